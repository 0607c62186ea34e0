// Judges a webhook by implementations that are not ours: npm's standardwebhooks and cloudevents.
// In: {"secret", "headers", "body"}; out: the list of the CloudEvents that were understood.
const { Webhook } = require("standardwebhooks");
const { HTTP } = require("cloudevents");

const { secret, headers, body } = JSON.parse(require("fs").readFileSync(0, "utf8"));
new Webhook(secret).verify(body, headers);
const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
const events = [HTTP.toEvent({ headers: lower, body })].flat();
events.forEach((event) => event.validate());
process.stdout.write(JSON.stringify(events));
