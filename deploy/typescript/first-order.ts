// The first order, typed from end to end: a wrong field, path or header does not compile.
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

type Order = components["schemas"]["Order"];

export async function firstOrder(baseUrl: string, email: string, password: string): Promise<Order> {
  const signedIn = await createClient<paths>({ baseUrl }).POST("/v1/auth/token", { body: { email, password } });
  if (signedIn.error) throw new Error(signedIn.error.code);
  const headers = { Authorization: `Bearer ${signedIn.data.access_token}` };
  const api = createClient<paths>({ baseUrl, headers });

  const lamp = await api.POST("/v1/products", { body: { sku: "LAMP-1", name: "brass lamp", sale_price: "120.00" } });
  const customer = await api.POST("/v1/contacts", { body: { kind: "organization", name: "Maison Dupont", roles: ["customer"] } });
  const wait_for = [lamp, customer].map((made) => made.response.headers.get("X-Event-Id")).join(",");
  const lines = [{ product_id: lamp.data!.id!, quantity: "2", discount_percent: "0" }];
  const draft = await api.POST("/v1/orders", { params: { query: { wait_for } }, body: { customer_id: customer.data!.id!, lines } });

  const header = { "Idempotency-Key": crypto.randomUUID() };
  const placed = await api.POST("/v1/orders/{id}/place", { params: { path: { id: draft.data!.id! }, header } });
  if (placed.error) throw new Error(`${placed.error.code}: ${placed.error.detail}`);
  return placed.data;
}
