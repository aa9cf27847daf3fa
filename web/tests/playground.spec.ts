// The playground end to end: it trains to a boundary, its address repeats it, and every lesson can be read by all.
//
// THALWEG, CHROMIUM and LOOK are as for page.spec.ts.

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";

import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const THALWEG = resolve(process.env["THALWEG"] ?? "../target/debug/thalweg");
const LOOK = process.env["LOOK"] ?? mkdtempSync(join(tmpdir(), "thalweg-look-"));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WIDTHS = [390, 820, 1440];
const LESSONS = ["", "network", "neuron", "depth", "average", "optimizers", "decay", "search", "batches", "gradient-check"];

const absent = existsSync(CHROMIUM) ? false : `there is no browser at ${CHROMIUM}: name one with CHROMIUM`;
if (absent) console.error(`\n*** THE PLAYGROUND IS NOT TESTED: ${absent} ***\n`);

let folder: string;
let browser: Browser;
let server: ChildProcess;
let address: string;

async function open(hash: string, options: BrowserContextOptions = {}): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await page.goto(address + hash);
  return { page, complaints };
}

const close = (page: Page) => page.context().close();

async function figure(page: Page, name: string): Promise<string> {
  return (await page.locator(".figures div", { has: page.getByText(name, { exact: true }) }).locator("b").innerText()).trim();
}

/** Waits until the plane is there, plays to the end of training, and returns the accuracy on test. */
async function playToTheEnd(page: Page): Promise<number> {
  await page.getByRole("button", { name: "Fastest" }).click();
  await page.getByRole("button", { name: "Play" }).click();
  await page.getByRole("button", { name: "Play", disabled: true }).waitFor({ timeout: 60_000 });
  return Number((await figure(page, "Test accuracy")).replace(/[^\d.]/g, "")) / 100;
}

describe("the playground", { skip: absent }, () => {
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "thalweg-playground-"));
    mkdirSync(join(folder, "runs"));
    mkdirSync(LOOK, { recursive: true });
    server = spawn(THALWEG, ["ui", "runs", "--port", "0"], { cwd: folder });
    address = await new Promise<string>((found, failed) => {
      let said = "";
      const read = (data: Buffer) => {
        said += data;
        const url = /http:\/\/\S+/.exec(said)?.[0];
        if (url) found(url.replace(/\/$/, "") + "/");
      };
      server.stdout!.on("data", read);
      server.stderr!.on("data", read);
      server.on("exit", () => failed(new Error(`thalweg ui: ${said}`)));
    });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-quic"] });
  });

  after(async () => {
    await browser?.close();
    server?.kill();
    rmSync(folder, { recursive: true, force: true });
    if (!process.env["LOOK"]) console.log(`screenshots: ${LOOK}`);
  });

  test("a network learns the circles, and its address repeats it to the last digit", async () => {
    const { page, complaints } = await open("#/play/network?layers=5&learning_rate=0.3&epochs=60&seed=3");
    const accuracy = await playToTheEnd(page);
    assert.ok(accuracy > 0.9, `accuracy ${accuracy}`);
    const [loss, told] = [await figure(page, "Test loss"), await page.locator(".command code").first().innerText()];
    assert.match(told, /^thalweg train sample:circles,rows=300,noise=0.1,seed=3 .*--layers 5 .*--epochs 60 .*--seed 3$/);
    // What the point in the middle is, and where its number comes from.
    await page.locator(".plane canvas").click({ position: { x: 150, y: 140 } });
    await page.getByText("it answers 1").waitFor();
    const link = page.url();
    await close(page);
    const again = await open(link.slice(address.length));
    await playToTheEnd(again.page);
    assert.equal(await figure(again.page, "Test loss"), loss);
    await close(again.page);
    assert.deepEqual(complaints.concat(again.complaints), []);
  });

  test("steps, layers and settings change what is trained, and the address with it", async () => {
    const { page, complaints } = await open("#/play/network");
    await page.getByRole("button", { name: "One step" }).click();
    await page.locator(".figures", { hasText: "α 0.1" }).waitFor();
    assert.equal(await figure(page, "Step"), "1");
    await page.getByRole("button", { name: "One epoch" }).click();
    await page.locator(".figures b", { hasText: /^22$/ }).waitFor();
    await page.getByRole("button", { name: "Add a layer" }).click();
    await page.getByText("Layer 3", { exact: true }).first().waitFor();
    assert.match(page.url(), /layers=4,2,2/);
    assert.equal(await figure(page, "Step"), "0");
    await page.getByLabel("Data").selectOption("three-blobs");
    await page.locator(".plane-key", { hasText: "class 2" }).waitFor();
    await page.locator(".plane canvas").click({ position: { x: 60, y: 60 } });
    await page.getByRole("columnheader", { name: "ŷ" }).waitFor();
    await page.getByRole("button", { name: /^Output/ }).or(page.getByRole("button", { name: /^The output for 2/ })).first().focus();
    await page.locator(".network-told", { hasText: "The output for 2" }).waitFor();
    assert.deepEqual(complaints, []);
    await close(page);
  });

  test("columns of a learner's own file are trained on", async () => {
    const { page, complaints } = await open("#/play/network?data=csv&epochs=20");
    const rows = Array.from({ length: 120 }, (_, i) => `${i % 11},${(i * 7) % 13},${i % 11 > 5 ? "<b>far</b>" : "near"}`);
    await page.locator("input[type=file]").setInputFiles({ name: "my points.csv", mimeType: "text/csv", buffer: Buffer.from(["a,b,where", ...rows].join("\n")) });
    await page.locator(".plane-key", { hasText: "where <b>far</b>" }).waitFor();
    assert.ok((await playToTheEnd(page)) > 0.9);
    assert.match(await page.locator(".command code").first().innerText(), /^thalweg train 'my points.csv' .*--target where/);
    assert.deepEqual(complaints, []);
    await close(page);
  });

  test("a planted mistake is found", async () => {
    const { page } = await open("#/play/gradient-check?seed=0");
    const rows = page.locator(".gradients tbody tr");
    await rows.first().waitFor();
    const relative = await rows.evaluateAll((all) => all.map((row) => (row as HTMLTableRowElement).cells[3]!.innerText));
    const wrong = relative.findIndex((text) => !text.includes("10⁻"));
    await page.getByLabel("What is wrong").selectOption("missing_mean");
    await page.getByLabel("With which gradient").selectOption({ index: wrong + 1 });
    await page.getByRole("button", { name: "Check my guess" }).click();
    await page.locator(".verdict", { hasText: /Right|Not quite/ }).waitFor();
    assert.equal(await rows.evaluateAll((all) => all.findIndex((row) => row.className === "culprit")), wrong);
    await close(page);
  });

  for (const lesson of LESSONS) {
    test(`${lesson || "overview"}: read by all, at three widths, light and dark`, async () => {
      for (const width of WIDTHS) {
        for (const colorScheme of ["light", "dark"] as const) {
          const { page, complaints } = await open(`#/play${lesson ? `/${lesson}` : ""}`, { viewport: { width, height: 900 }, colorScheme });
          await page.getByRole("heading", { level: 1 }).waitFor();
          await page.locator(".loading").waitFor({ state: "detached" });
          if (lesson === "network") {
            await page.getByRole("button", { name: "One epoch" }).click();
            await page.locator(".figures", { hasText: "1 of 300" }).waitFor();
          }
          await page.waitForTimeout(200);
          const wide = (await page.evaluate("document.documentElement.scrollWidth")) as number;
          assert.ok(wide <= width, `${lesson} is ${wide} wide at ${width}`);
          await page.screenshot({ path: join(LOOK, `play-${lesson || "overview"}-${width}-${colorScheme}.png`), fullPage: true });
          await page.evaluate(AXE);
          const found = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as {
            violations: { id: string; impact: string; help: string; nodes: { html: string; failureSummary: string }[] }[];
          };
          const serious = found.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
          const told = serious.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.slice(0, 3).map((node) => `  ${node.html}\n  ${node.failureSummary}`).join("\n")}`);
          assert.deepEqual(told, [], `${lesson} at ${width}, ${colorScheme}`);
          assert.deepEqual(complaints, []);
          await close(page);
        }
      }
    });
  }
});
