"use strict";

// Asks the endpoint, and shows what it answers. Nothing is kept.
const part = (id) => document.getElementById(id);

const SCHEMA = `{
  __schema {
    types {
      kind name description
      fields { name description args { name type { ...T } } type { ...T } }
      inputFields { name description type { ...T } }
      enumValues { name description }
    }
  }
}
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`;

async function send(query, variables) {
  const headers = { "Content-Type": "application/json" };
  const token = part("token").value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  part("status").textContent = "Asking…";
  const began = performance.now();
  try {
    const response = await fetch("/api/graphql", {
      method: "POST",
      headers,
      body: JSON.stringify({ query, variables }),
    });
    const text = await response.text();
    const took = Math.round(performance.now() - began);
    part("status").textContent = `${response.status} in ${took} ms`;
    part("answer").textContent = pretty(text);
  } catch (error) {
    part("status").textContent = `No answer: ${error.message}`;
    part("answer").textContent = "";
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function run() {
  let variables;
  try {
    variables = JSON.parse(part("variables").value.trim() || "{}");
  } catch (error) {
    part("status").textContent = `The variables are no JSON: ${error.message}`;
    return;
  }
  send(part("query").value, variables);
}

part("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
part("schema").addEventListener("click", () => send(SCHEMA, {}));
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
});
