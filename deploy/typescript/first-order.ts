// The first order, typed from end to end: a wrong field, path or header does not compile.
import createClient from "openapi-fetch";
import type { components, paths } from "./api";
import { each, liaison } from "./liaison";

type Order = components["schemas"]["Order"];

export async function firstOrder(baseUrl: string, email: string, password: string): Promise<Order> {
  const signedIn = await createClient<paths>({ baseUrl }).POST("/v1/auth/token", { body: { email, password } });
  if (signedIn.error) throw new Error(signedIn.error.code);
  const api = liaison(baseUrl, signedIn.data.access_token);

  const sku = `LAMP-${crypto.randomUUID()}`;
  const lamp = await api.POST("/v1/products", { body: { sku, name: "brass lamp", sale_price: "120.00" } });
  const customer = await api.POST("/v1/contacts", { body: { kind: "organization", name: "Maison Dupont", roles: ["customer"] } });
  const wait_for = [lamp, customer].map((made) => made.response.headers.get("X-Event-Id")).join(",");
  const lines = [{ product_id: lamp.data!.id!, quantity: "2", discount_percent: "0" }];
  const draft = await api.POST("/v1/orders", { params: { query: { wait_for } }, body: { customer_id: customer.data!.id!, lines } });

  const placed = await api.POST("/v1/orders/{id}/place", { params: { path: { id: draft.data!.id! } } });
  if (placed.error) throw new Error(`${placed.error.code}: ${placed.error.detail}`);
  return placed.data;
}

/** The SKUs that begin with a text, page by page. */
export async function skus(baseUrl: string, token: string, sku_starts: string): Promise<string[]> {
  const api = liaison(baseUrl, token);
  const found: string[] = [];
  const ask = (cursor?: string) => api.GET("/v1/products", { params: { query: { sku_starts, limit: 1, cursor } } });
  for await (const product of each(ask)) found.push(product.sku!);
  return found;
}
