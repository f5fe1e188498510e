import { afterAll, beforeAll, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { once } from "node:events";
import { Command, Redis } from "ioredis";
import { type RedisServer, startRedis } from "../../scripts/servers/redis-server.ts";
import { batchWrites } from "../../src/redis/batch.ts";
import { describeWithPrivate } from "../support/describe-with.ts";

setDefaultTimeout(60_000);

const commandMs = 1000;

describeWithPrivate("redis", "commands of one turn of the event loop", () => {
  let server: RedisServer;
  let client: Redis;

  beforeAll(async () => {
    server = await startRedis();
    client = new Redis(server.port, "127.0.0.1", {
      lazyConnect: true,
      maxRetriesPerRequest: 0,
    });
    client.on("error", () => {});
    batchWrites(client, commandMs);
    await client.connect();
  });

  afterAll(async () => {
    client.disconnect();
    await server.remove();
  });

  test("travel in one write, whether they are text, bytes or scripts, and are answered in their order", async () => {
    const write = spyOn(client.stream, "write");
    const answers = await Promise.all([
      client.set("text", "é"),
      client.get("text"),
      client.set("bytes", Buffer.from([0xff, 0x00])),
      client.getBuffer("bytes"),
      client.eval("return ARGV[1]", 0, "script"),
    ]);
    expect(answers).toEqual(["OK", "é", "OK", Buffer.from([0xff, 0x00]), "script"]);
    expect(write).toHaveBeenCalledTimes(1);
    write.mockRestore();
  });

  test("are written before a pipeline that comes after them, so that nobody gets another's answer", async () => {
    await client.mset("ann", "ann's", "bob", "bob's", "cyd", "cyd's");
    const answers = await Promise.all([
      client.get("ann"),
      client.pipeline().get("bob").exec(),
      client.get("cyd"),
    ]);
    expect(answers).toEqual(["ann's", [[null, "bob's"]], "cyd's"]);
  });

  test("are given up together by a server that has fallen silent", async () => {
    await server.freeze();
    const outcomes = await Promise.allSettled([client.get("text"), client.get("none"), client.get("text")]);
    await server.thaw();
    expect(outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason.message)).toEqual(
      Array.from({ length: 3 }, () => "Command timed out"),
    );
  });

  test("are given up though the last of them was given up before", async () => {
    await server.freeze();
    const impatient = new Command("get", ["none"]);
    impatient.setTimeout(commandMs / 10);
    const first = client.get("text");
    client.sendCommand(impatient);
    const outcomes = await Promise.allSettled([first, impatient.promise]);
    await server.thaw();
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });

  test("fail each for itself", async () => {
    await client.set("text", "é");
    const outcomes = await Promise.allSettled([
      client.get("text"),
      client.hget("text", "field"),
      client.get("none"),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  test("do not wait for the answers of the turn before", async () => {
    await server.freeze();
    const first = client.get("text").catch(() => {});
    await new Promise(setImmediate);
    const write = spyOn(client.stream, "write");
    const second = client.get("none").catch(() => {});
    await new Promise(setImmediate);
    expect(write).toHaveBeenCalledTimes(1);
    write.mockRestore();
    await server.thaw();
    await Promise.all([first, second]);
  });

  test("never reach the connection that follows one that was lost", async () => {
    await client.set("lost", "before");
    const lost = client.set("lost", "after").catch(() => "rejected");
    client.disconnect(true);
    expect(await lost).toBe("rejected");
    if (client.status !== "ready") await once(client, "ready");
    expect(await client.get("lost")).toBe("before");
  });
});
