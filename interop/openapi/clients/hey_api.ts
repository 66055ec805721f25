// The client of Hey API.
import { client } from "./hey/client.gen";
import * as sdk from "./hey/sdk.gen";
import { base, expectEqual, headersOf, readAll } from "./reads";

type Call = (options: object) => Promise<{ response: Response }>;

client.setConfig({ baseUrl: base });
const listed = await sdk.listCallLogs({
  query: { limit: 5, status: ["completed", "busy"] },
  headers: headersOf(false),
  throwOnError: true,
});
const total: number = listed.data.total;
const status: string | null | undefined = listed.data.data[0]?.status;
const detail = await sdk.getCallLog({
  path: { id: listed.data.data[1]?.id ?? "" },
  headers: headersOf(false),
  throwOnError: true,
});
expectEqual("total", total, 2);
expectEqual("status", status, "busy");
expectEqual("tool", detail.data.session?.function_calls?.[0]?.name, "book");

await readAll(async (read) => {
  const call = (sdk as unknown as Record<string, Call>)[read.operation];
  const answer = await call({
    path: read.parameters,
    query: read.query,
    headers: headersOf(read.isAdmin),
    throwOnError: true,
  });
  return answer.response.status;
}, `total ${total}`);
