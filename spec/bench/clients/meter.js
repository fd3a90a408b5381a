// What the clients written for Node share: see meter.lua.
"use strict";
const fs = require("fs");

const [base, kind, concurrency, seconds, requests, warm] = process.argv.slice(2);
const paths = JSON.parse(process.env.BENCH_PATHS);

const work = {
  base, kind, url: base + paths[kind], concurrency: Number(concurrency), seconds: Number(seconds),
  limit: Number(requests), warm: Number(warm), issued: 0, done: 0, samples: [],
  headers: {
    authorization: "Bearer benchmark-token-that-opens-nothing", version: "2021-07-28", accept: "application/json",
  },
};

function now() {
  return Number(process.hrtime.bigint()) / 1e9;
}

function cpu() {
  const usage = process.cpuUsage();
  return (usage.user + usage.system) / 1e6;
}

work.begun = now();
work.cpu = cpu();

function more() {
  if (work.issued >= work.warm + work.limit) return false;
  if (work.done >= work.warm && now() >= work.begun + work.seconds) return false;
  work.issued++;
  return true;
}

function took(begun) {
  const moment = now();
  work.done++;
  if (work.done > work.warm) work.samples.push(moment - begun);
  if (work.done === work.warm) {
    work.begun = moment;
    work.cpu = cpu();
  }
}

function peak() {
  const found = /VmHWM:\s*(\d+)/.exec(fs.readFileSync("/proc/self/status", "utf8"));
  return found ? Number(found[1]) : 0;
}

function report() {
  const elapsed = now() - work.begun, spent = cpu() - work.cpu, rss = peak();
  const sorted = Float64Array.from(work.samples).sort(), count = sorted.length;
  const percentile = (share) => (sorted[Math.floor((count - 1) * share / 100)] * 1e6).toFixed(1);
  console.log(`requests=${count} seconds=${elapsed.toFixed(6)} cpu=${spent.toFixed(6)} p50=${percentile(50)} ` +
    `p99=${percentile(99)} rss=${rss}`);
}

// request() -> a promise of the decoded answer
async function run(request) {
  async function worker() {
    while (more()) {
      const begun = now();
      const answer = await request();
      if (!answer.traceId) throw new Error("not the answer");
      took(begun);
    }
  }
  await Promise.all(Array.from({ length: work.concurrency }, worker));
  report();
}

module.exports = { work, run };
