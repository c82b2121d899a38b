/** Something went wrong that the visitor is told; its message is one plain sentence that says what happened. */
export class Failure extends Error {}
