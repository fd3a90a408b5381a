// Node's own fetch and JSON.
"use strict";
const { work, run } = require("./meter.js");

run(async () => {
  const response = await fetch(work.url, { headers: work.headers });
  if (response.status !== 200) throw new Error("status " + response.status);
  return response.json();
});
