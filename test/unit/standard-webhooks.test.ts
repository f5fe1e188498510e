import { describe, expect, test } from "bun:test";
import { Webhook } from "standardwebhooks";
import { webhookHeaders } from "../../src/sessions/standard-webhooks.ts";

const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));

describe("the headers of a message", () => {
  test("agree with a published example", () => {
    const message = {
      id: "msg_loFOjxBNrRLzqYUf",
      timestamp: 1_731_705_121,
      body: '{"event_type":"ping","data":{"success":true}}',
    };
    expect(webhookHeaders(message, [bytes("plJ3nmyCDGBKInavdOK15jsl")])).toEqual({
      "webhook-id": "msg_loFOjxBNrRLzqYUf",
      "webhook-timestamp": "1731705121",
      "webhook-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    });
  });

  test("sign with every secret, in UTF-8", () => {
    const [one, other] = [bytes("A".repeat(32)), bytes("B".repeat(44))];
    const message = {
      id: "msg_1",
      timestamp: Math.floor(Date.now() / 1000),
      body: '{"loginId":"zoë😀@example.com"}',
    };
    const headers = webhookHeaders(message, [one, other]);
    for (const secret of [one, other])
      expect(new Webhook(Buffer.from(secret).toString("base64")).verify(message.body, headers)).toEqual({
        loginId: "zoë😀@example.com",
      });
  });
});
