// The client of OpenAPI Generator for TypeScript and fetch.
import * as apis from "./typescript-fetch";
import { base, expectEqual, keys, readAll } from "./reads";

type Api = Record<string, (parameters: object) => Promise<{ raw: Response; value(): Promise<unknown> }>>;

const tenant = new apis.Configuration({ basePath: base, accessToken: keys.tenant });
const admin = new apis.Configuration({ basePath: base, apiKey: keys.admin });
const listed = await new apis.CallLogsApi(tenant).listCallLogs({ limit: 5, status: ["completed", "busy"] });
const total: number = listed.total;
const status: string | null | undefined = listed.data[0]?.status;
expectEqual("total", total, 2);
expectEqual("status", status, "busy");

const classes = apis as unknown as Record<string, new (configuration: apis.Configuration) => Api>;
await readAll(async (read) => {
  const api = new classes[`${read.class}Api`](read.isAdmin ? admin : tenant);
  const answer = await api[`${read.operation}Raw`]({ ...read.parameters, ...read.query });
  await answer.value();
  return answer.raw.status;
}, `total ${total}`);
