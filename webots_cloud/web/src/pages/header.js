// The head of every page but that of a simulation: who the visitor is, and ways to the other pages.

/** @param {object} user as the website host tells it. */
export function showVisitor(user) {
  const link = document.getElementById("account-link");
  link.textContent = user.account ? user.name : "Log in";
  link.title = user.account ? "Your account" : "";
}

/** Tell in the place for it what has gone wrong. */
export function showTrouble(sentence) {
  const notice = document.getElementById("notice");
  notice.textContent = sentence;
  notice.hidden = false;
}
