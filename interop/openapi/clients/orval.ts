// The client of orval, for fetch.
import * as calls from "./orval/client";
import { base, expectEqual, headersOf, readAll } from "./reads";

type Call = (...values: unknown[]) => Promise<{ status: number }>;

// The client was made for the page's own origin, which Node lacks.
const fetchAnywhere = globalThis.fetch;
globalThis.fetch = (url, options) => fetchAnywhere(`${base}${url}`, options);

const listed = await calls.listCallLogs(
  { limit: 5, status: ["completed", "busy"] },
  { headers: headersOf(false) },
);
if (listed.status !== 200) throw new Error(listed.status === 304 ? "304" : listed.data.title);
const total: number = listed.data.total;
const status: string | null | undefined = listed.data.data[0]?.status;
expectEqual("total", total, 2);
expectEqual("status", status, "busy");

await readAll(async (read) => {
  const call = (calls as unknown as Record<string, Call>)[read.operation];
  const query = read.hasQuery ? [read.query] : [];
  const answer = await call(...Object.values(read.parameters), ...query, { headers: headersOf(read.isAdmin) });
  return answer.status;
}, `total ${total}`);
