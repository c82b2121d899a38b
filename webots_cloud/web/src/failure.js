/** Something went wrong that the visitor is told: its message says what happened, `advice` what to do about it. */
export class Failure extends Error {
  /**
   * @param {string} message one plain sentence.
   * @param {string} advice another one, or empty where the first says it all.
   */
  constructor(message, advice = "") {
    super(message);
    this.advice = advice;
  }
}
