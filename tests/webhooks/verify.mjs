// Checks a delivery twice: with the Standard Webhooks library by others, and as a receiver does by hand that only
// knows `X-Hub-Signature-256`. Input: {secret, headers, body}, the body in base64. Output: {standard, hub}.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const { secret, headers, body } = JSON.parse(readFileSync(0, "utf8"));
const bytes = Buffer.from(body, "base64");

let standard = "verified";
try {
  new Webhook(secret).verify(bytes.toString("utf8"), headers);
} catch (error) {
  standard = error.message;
}

const expected = Buffer.from("sha256=" + createHmac("sha256", secret).update(bytes).digest("hex"));
const given = Buffer.from(headers["x-hub-signature-256"] ?? "");
const hub = given.length === expected.length && timingSafeEqual(given, expected);

process.stdout.write(JSON.stringify({ standard, hub }));
