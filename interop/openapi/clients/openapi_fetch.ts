// openapi-fetch, typed by openapi-typescript.
import createClient from "openapi-fetch";
import { base, expectEqual, headersOf, readAll } from "./reads";
import type { paths } from "./schema";

const client = createClient<paths>({ baseUrl: base });

// The types are what is tried here: none of these lines compiles if the answer has several types.
const { data } = await client.GET("/api/v1/call-logs", {
  params: { query: { limit: 5, status: ["completed", "busy"] } },
  headers: headersOf(false),
});
const total: number | undefined = data?.total;
const status: "completed" | "busy" | string | null | undefined = data?.data[0]?.status;
const csv = await client.GET("/api/v1/call-logs.csv", { headers: headersOf(false), parseAs: "text" });
const text: string | undefined = csv.data;
expectEqual("total", total, 2);
expectEqual("status", status, "busy");
expectEqual("the first column", text?.slice(0, 3), "id,");

await readAll(async (read) => {
  const path = read.path as "/api/v1/call-logs/{id}";
  const params = { path: read.parameters as { id: string }, query: read.query };
  const answer = await client.GET(path, { params, headers: headersOf(read.isAdmin), parseAs: "stream" });
  await answer.response.arrayBuffer?.().catch(() => undefined);
  return answer.response.status;
}, `total ${total}`);
