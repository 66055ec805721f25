// The read operations that run.py lists, and a loop over them that each client shares.
export type Read = {
  operation: string;
  class: string;
  path: string;
  parameters: Record<string, string>;
  query: Record<string, string>;
  hasQuery: boolean;
  isAdmin: boolean;
};
declare const process: { env: Record<string, string>; exit(status: number): never };
declare const console: { log(...texts: unknown[]): void };

export const base = process.env.BASE;
export const keys = { tenant: process.env.KEY, admin: process.env.ADMIN_KEY };
const reads: Read[] = JSON.parse(process.env.READS);

export const headersOf = (isAdmin: boolean): Record<string, string> =>
  isAdmin ? { "x-admin-key": keys.admin } : { authorization: `Bearer ${keys.tenant}` };

/** Calls every read operation by `send`, which returns a status or raises, and ends the process. */
export async function readAll(send: (read: Read) => Promise<number>, found: string): Promise<never> {
  let failed = 0;
  for (const read of reads) {
    const answer = await send(read).catch((fault: unknown) => fault);
    if (answer !== 200) {
      failed += 1;
      console.log(`${read.operation}: ${answer}`);
    }
  }
  console.log(`${reads.length} reads, ${found}`);
  process.exit(failed ? 1 : 0);
}

/** Ends the process where a typed field is not what the service has. */
export function expectEqual(name: string, value: unknown, wanted: unknown): void {
  if (value !== wanted) {
    console.log(`${name} is ${value}, not ${wanted}`);
    process.exit(2);
  }
}
