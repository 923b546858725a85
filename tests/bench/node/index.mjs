// A Lambda function in Node with AWS's SDK v3: asks its runtime API for an event, reads one row of DynamoDB, answers.
// It has its runtime's loop within, which is less than Lambda's own has to do.
import http from "node:http";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const client = new DynamoDBClient({});

function ask(method, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, path: `/2018-06-01/runtime/invocation${path}` }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, text: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

for (;;) {
  const next = await ask("GET", "/next");
  JSON.parse(next.text);
  const read = new GetItemCommand({ TableName: process.env.TABLE, Key: { keyHash: { S: "nobody" } } });
  const { Item } = await client.send(read);
  const answer = { statusCode: Item ? 200 : 401, headers: {}, body: "", isBase64Encoded: false };
  await ask("POST", `/${next.headers["lambda-runtime-aws-request-id"]}/response`, JSON.stringify(answer));
}
