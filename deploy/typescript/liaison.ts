// A thin layer over openapi-fetch: retries, idempotency keys, pages, and the signatures of webhooks.
import createClient, { type Client } from "openapi-fetch";
import type { paths } from "./api";
import parameters from "./parameters";

export interface Retries {
  attempts: number;
  first: number; // seconds before the second attempt; they double, unless Retry-After says more
  longest: number; // seconds that Retry-After may ask for
}

const RETRIES: Retries = { attempts: 5, first: 0.5, longest: 30 };
const WITHOUT_KEY = ["/v1/auth/", "/v1/me/", "/v1/events/stream-tickets"]; // operations that keep no key

/** A client of the whole API; `token` is an access token or an API key. */
export function liaison(baseUrl: string, token: string, retries: Partial<Retries> = {}): Client<paths> {
  const headers = { Authorization: `Bearer ${token}` };
  return createClient<paths>({ baseUrl, headers, querySerializer, fetch: retrying(fetch, { ...RETRIES, ...retries }) });
}

/** Names as the wire has them: `name_starts` is `name[starts]`. */
export function querySerializer(query: Record<string, unknown>): string {
  const wire = parameters as Record<string, string>;
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  return new URLSearchParams(given.map(([name, value]) => [wire[name] ?? name, String(value)])).toString();
}

/** `fetch` that repeats what may be repeated; a change gets a key, which stays the same. */
export function retrying(send: typeof fetch, retries: Retries): (request: Request) => Promise<Response> {
  return async (request) => {
    const keeps = !WITHOUT_KEY.some((path) => new URL(request.url).pathname.startsWith(path));
    if (["POST", "PATCH", "DELETE"].includes(request.method) && keeps && !request.headers.has("Idempotency-Key")) {
      request.headers.set("Idempotency-Key", crypto.randomUUID());
    }
    const safe = request.method === "GET" || (keeps && request.headers.has("Idempotency-Key"));
    for (let attempt = 1; attempt < retries.attempts; attempt++) {
      const wait = retries.first * 2 ** (attempt - 1) * (0.8 + 0.4 * Math.random());
      try {
        const response = await send(request.clone());
        const asked = Number(response.headers.get("Retry-After") ?? 0);
        const running = response.status === 409 && asked > 0;
        const again = [429, 503].includes(response.status) || running || (response.status === 504 && safe);
        if (!again || asked > retries.longest) return response;
        await response.body?.cancel();
        await pause(Math.max(wait, asked));
      } catch (error) {
        if (!safe) throw error;
        await pause(wait);
      }
    }
    return send(request);
  };
}

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

interface Page<Item> {
  data?: { data: Item[]; next_cursor: string | null } | string; // a string only where `format` asks for CSV
  error?: unknown;
}

/** Every record of a list: `each((cursor) => api.GET("/v1/orders", { params: { query: { cursor } } }))`. */
export async function* each<Item>(ask: (cursor?: string) => Promise<Page<Item>>): AsyncGenerator<Item> {
  for (let cursor: string | undefined; ; ) {
    const { data: page, error } = await ask(cursor);
    if (typeof page !== "object") throw new Error(JSON.stringify(error));
    yield* page.data;
    if (!page.next_cursor) return;
    cursor = page.next_cursor;
  }
}

/** The event in a body, as it was received: the bytes, before any parser. Throws where the signature does not fit. */
export async function verifyWebhook(body: Uint8Array<ArrayBuffer>, headers: Headers, secret: string, now = Date.now() / 1000): Promise<unknown> {
  const [id, sent] = [headers.get("webhook-id") ?? "", headers.get("webhook-timestamp") ?? ""];
  if (!/^[0-9]+$/.test(sent) || Math.abs(now - Number(sent)) > 300) throw new Error("webhook-timestamp is missing, or too far from now");
  const raw = Uint8Array.from(atob(secret.replace(/^whsec_/, "")), (char) => char.charCodeAt(0));
  const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const content = new Uint8Array([...new TextEncoder().encode(`${id}.${sent}.`), ...body]);
  for (const one of (headers.get("webhook-signature") ?? "").split(" ")) {
    const given = one.startsWith("v1,") ? Uint8Array.from(atob(one.slice(3)), (char) => char.charCodeAt(0)) : null;
    if (given && (await crypto.subtle.verify("HMAC", key, given, content))) return JSON.parse(new TextDecoder().decode(body)); // in constant time
  }
  throw new Error("webhook-signature does not fit");
}
