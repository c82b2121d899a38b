// Logging in and out, making an account, changing its password, deleting it.
import { onSend } from "./form.js";
import { showTrouble, showVisitor } from "./header.js";
import { isWanted } from "./question.js";
import { ask, read } from "./site.js";

const element = (id) => document.getElementById(id);

function showGuest(signUp) {
  element("guest").hidden = false;
  element("sign-up-form").hidden = !signUp;
  element("no-sign-up").hidden = signUp;
  if (location.hash === "#sign-up" && signUp) {
    element("sign-up").scrollIntoView();
    element("sign-up-name").focus();
  }
}

function showAccount(user) {
  element("account-name").textContent = user.name;
  element("password-name").value = user.name;
  element("account").hidden = false;
}

async function enter(what, fields) {
  await ask(what, fields);
  location.assign("my_projects.html");
}

async function changePassword({ password, newPassword }) {
  element("password-done").textContent = "";
  await ask("change-password", { password, newPassword });
  element("password-form").reset();
  element("password-done").textContent = "You have another password now, and are logged out everywhere else.";
}

async function deleteAccount({ password }) {
  const text = "Your account, and everything that you have saved, will be gone for good.";
  if (await isWanted("Delete the account?", text, "Delete")) {
    await ask("delete", { password });
    location.assign("./");
  }
}

onSend(element("log-in-form"), (fields) => enter("log-in", fields));
onSend(element("sign-up-form"), (fields) => enter("sign-up", fields));
onSend(element("password-form"), changePassword);
onSend(element("delete-form"), deleteAccount);
onSend(element("log-out-form"), async () => {
  await ask("log-out");
  location.assign("./");
});

try {
  const { user, signUp } = await read("account/saved.json");
  showVisitor(user);
  if (user.account) {
    showAccount(user);
  } else {
    showGuest(signUp);
  }
} catch (error) {
  showTrouble(error.message);
}
