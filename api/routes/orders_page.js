// The page of orders: gives one from a file, shows how far it is, fetches its cards. The token stays in this page.
"use strict";
const words = JSON.parse(document.getElementById("words").textContent);
const at = (id) => document.getElementById(id);
const LOOK_MS = 500;
const STATES = ["granted", "issued", "refused"];
let watched = 0;

function say(text, bad) {
  at("said").textContent = text;
  at("said").className = bad ? "bad" : "";
}

async function ask(method, path, body) {
  const headers = { Authorization: "Bearer " + at("token").value.trim() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body, cache: "no-store" });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  const where = problem.field ? " [" + problem.field + "]" : "";
  const hint = problem.hint ? " (" + problem.hint + ")" : "";
  throw new Error((problem.code || answer.status) + where + ": " + (problem.detail || "") + hint);
}

function show(progress) {
  at("found").hidden = false;
  at("order").textContent = progress.order;
  at("state").textContent = words[progress.state];
  at("bar").max = progress.total;
  at("bar").value = progress.issued + progress.refused;
  at("total").textContent = progress.total;
  for (const name of STATES) at(name).textContent = progress[name];
  at("accepted").textContent = progress.accepted;
  at("trouble").textContent = progress.trouble || "";
  at("trouble-word").hidden = !progress.trouble;
  at("cards").hidden = progress.issued === 0;
}

const of = (name) => "/v1/licences/orders/" + encodeURIComponent(name);

async function refused(name) {
  const list = at("problems");
  list.replaceChildren();
  for (let first = 0; first !== null; ) {
    const page = await (await ask("GET", of(name) + "/items?first=" + first)).json();
    for (const item of page.items) {
      if (item.state !== "refused") continue;
      const line = document.createElement("li");
      const which = words.item.replace("{n}", item.n) + (item.licence ? " " + item.licence : "");
      line.textContent = which + ": " + item.problem.code + ": " + item.problem.detail;
      list.append(line);
    }
    first = page.next;
  }
}

// Looks until the order is done; another that is followed meanwhile takes its place.
async function follow(name) {
  const mine = ++watched;
  at("problems").replaceChildren();
  while (mine === watched) {
    const progress = await (await ask("GET", of(name))).json();
    if (mine !== watched) return;
    show(progress);
    if (progress.state === "done") {
      if (progress.refused) await refused(name);
      return;
    }
    await new Promise((next) => setTimeout(next, LOOK_MS));
  }
}

async function give() {
  const file = at("file").files[0];
  if (!file) return say(words.no_file, true);
  const text = await file.text();
  let name;
  try {
    name = JSON.parse(text).order;
  } catch {
    return say(words.no_order, true);
  }
  const answer = await ask("POST", "/v1/licences/orders", text);
  say(answer.status === 202 ? words.taken : words.known);
  at("name").value = name;
  await follow(name);
}

async function fetchCards() {
  const name = at("order").textContent;
  const answer = await ask("GET", of(name) + "/cards");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name + ".zip";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function on(id, work) {
  at(id).addEventListener("click", () => {
    say("");
    work().catch((error) => say(String(error.message || error), true));
  });
}

on("give", give);
on("follow", () => follow(at("name").value.trim()));
on("cards", fetchCards);
