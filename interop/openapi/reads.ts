// Every read operation by openapi-fetch, typed by openapi-typescript. run.py writes what to read into reads.json.
import createClient from "openapi-fetch";
import type { paths } from "./schema";

type Read = { path: string; parameters: Record<string, string>; isAdmin: boolean; type: string };
declare const process: { env: Record<string, string>; exit(status: number): never };
declare const console: { log(...texts: unknown[]): void };

const reads: Read[] = JSON.parse(process.env.READS);
const headers = (isAdmin: boolean): Record<string, string> =>
  isAdmin ? { "x-admin-key": process.env.ADMIN_KEY } : { authorization: `Bearer ${process.env.KEY}` };
const client = createClient<paths>({ baseUrl: process.env.BASE });

// The types are what is tried here: none of these lines compiles if the answer has several types.
const { data } = await client.GET("/api/v1/call-logs", {
  params: { query: { limit: 5, status: ["completed", "busy"] } },
  headers: headers(false),
});
if (data === undefined) process.exit(2);
const total: number = data.total;
const first = data.data[0];
const status: "completed" | "busy" | string | null | undefined = first?.status;
const csv = await client.GET("/api/v1/call-logs.csv", { headers: headers(false), parseAs: "text" });
const text: string | undefined = csv.data;

let failed = 0;
for (const read of reads) {
  const path = read.path as "/api/v1/call-logs/{id}";
  const params = { path: read.parameters as { id: string } };
  const answer = await client.GET(path, { params, headers: headers(read.isAdmin), parseAs: "stream" });
  await answer.response.arrayBuffer?.().catch(() => undefined);
  if (answer.response.status !== 200) {
    failed += 1;
    console.log(`${read.path}: ${answer.response.status}`);
  }
}
console.log(`${reads.length} reads, total ${total}, ${status}, ${text?.length} characters of CSV`);
process.exit(failed ? 1 : 0);
