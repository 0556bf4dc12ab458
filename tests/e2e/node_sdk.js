// Drives the official Node SDK (piliv2) against a server and prints what it got as JSON.
// Usage: node node_sdk.js PORT ACCESS_KEY SECRET_KEY HUB STREAM
'use strict';

const [port, accessKey, secretKey, hubName, key] = process.argv.slice(2);
const pili = require('./npm/node_modules/piliv2');

pili.config.API_HOST = '127.0.0.1';
pili.config.API_PORT = Number(port);

const hub = new pili.Hub(new pili.Credentials(accessKey, secretKey), hubName);
const call = (object, method, ...values) =>
  new Promise((resolve, reject) =>
    object[method](...values, (error, ...results) => (error ? reject(error) : resolve(results))));

async function main() {
  const [stream] = await call(hub, 'createStream', key);
  const again = await call(hub, 'createStream', key).then(() => 'created', (error) => error.errorCode);
  const [marker, listed] = await call(hub, 'listStreams', { prefix: key });
  await call(stream, 'loadInfo');
  const [live] = await call(stream, 'liveInfo');
  await call(stream, 'disable', -1);
  await call(stream, 'loadInfo');
  const disabledTill = stream.disabledTill;
  await call(stream, 'enable');
  const [history] = await call(stream, 'publishHistory', { start: 1 });
  const [batch] = await call(hub, 'batchLiveStreamsInfo', [key]);
  const result = { again, marker, listed: listed.map((item) => item.key), createdAt: stream.createdAt };
  console.log(JSON.stringify({ ...result, live, disabledTill, history, batch }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
