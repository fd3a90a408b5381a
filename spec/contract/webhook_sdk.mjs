// Lets the vendor's SDK judge requests: node webhook_sdk.mjs SDK-FOLDER KEY-FILE CLIENT-ID <requests
// Each line of the input is {"headers": ..., "body": base64}; each line of the output is true, false, or "skipped" where
// the SDK computed no signature.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const [folder, keyFile, clientId] = process.argv.slice(2);
const require = createRequire(resolve(folder, "package.json"));
const { WebhookManager } = require(resolve(folder, "node_modules/@gohighlevel/api-client/dist/lib/webhook/webhook-manager.js"));
const logger = { debug() {}, info() {}, warn() {}, error() {} };
const store = { getAccessToken: async () => undefined, deleteSession: async () => undefined };
const manager = new WebhookManager(logger, store, {}, { clientId, publicKey: readFileSync(keyFile, "utf8") });
const middleware = manager.subscribe();

for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const { headers, body } = JSON.parse(line);
  const rawBody = Buffer.from(body, "base64");
  const request = { method: "POST", url: "/", headers, body: rawBody, rawBody };
  await middleware(request, {}, () => {});
  const computed = request.isSignatureValid !== undefined && !request.skippedSignatureVerification;
  console.log(computed ? request.isSignatureValid : "skipped");
}
