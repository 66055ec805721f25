// Verifies deliveries with the packages of npm. Standard input: {secret, deliveries: [{name, headers, body}]}.
// Standard output: {"<package>": {"<name>": true or false}}.
const { readFileSync } = require("node:fs");

const packages = {
  standardwebhooks: require("standardwebhooks").Webhook,
  svix: require("svix").Webhook,
};
const { secret, deliveries } = JSON.parse(readFileSync(0, "utf8"));
const told = {};
for (const [name, Webhook] of Object.entries(packages)) {
  const webhook = new Webhook(secret);
  told[name] = {};
  for (const delivery of deliveries) {
    try {
      webhook.verify(delivery.body, delivery.headers);
      told[name][delivery.name] = true;
    } catch {
      told[name][delivery.name] = false;
    }
  }
}
console.log(JSON.stringify(told));
