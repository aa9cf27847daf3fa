// The page end to end: a real server, real runs, and Chromium.
//
// THALWEG is the program (default: the debug build), CHROMIUM the browser (default: Debian's), LOOK a folder for
// screenshots (default: a new one, which is named at the end). With ASSETS the page's files are those of that folder
// and not those that are part of the program.

import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";

import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const THALWEG = resolve(process.env["THALWEG"] ?? "../target/debug/thalweg");
const LOOK = process.env["LOOK"] ?? mkdtempSync(join(tmpdir(), "thalweg-look-"));
const WIDTHS = [390, 820, 1440];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Names that would run a script, were they taken for markup. */
const HOSTILE = {
  run: "<img src=x onerror=window.pwned=1>",
  column: "<script>window.pwned=2</script>",
  class: "<svg onload=window.pwned=3>",
};

const absent = existsSync(CHROMIUM) ? false : `there is no browser at ${CHROMIUM}: name one with CHROMIUM`;
if (absent) console.error(`\n*** THE PAGE IS NOT TESTED: ${absent} ***\n`);

let folder: string;
let browser: Browser;
let address: string;
const children: ChildProcess[] = [];

function thalweg(...args: string[]) {
  const done = spawnSync(THALWEG, args, { cwd: folder, encoding: "utf8" });
  assert.equal(done.status, 0, `thalweg ${args.join(" ")}: ${done.stderr}`);
}

/** A table whose names are markup: the class follows from the first number. */
function hostileTable(): string {
  const line = (i: number) => `${i % 50},${(i * 7) % 13},${i % 50 < 25 ? HOSTILE.class : "plain"}`;
  return [`${HOSTILE.column},b,c`, ...Array.from({ length: 300 }, (_, i) => line(i))].join("\n");
}

/** Starts a server, which tells its address. */
async function serve(): Promise<{ server: ChildProcess; address: string }> {
  const server = spawn(THALWEG, ["ui", "runs", "--port", "0"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  children.push(server);
  const address = await new Promise<string>((told, failed) => {
    let text = "";
    const hear = (bytes: Buffer) => {
      text += bytes.toString();
      const found = /http:\/\/[\w.:[\]]+\//.exec(text);
      if (found) told(found[0]);
    };
    server.stdout!.on("data", hear);
    server.stderr!.on("data", hear);
    server.on("exit", () => failed(new Error(`thalweg ui ended: ${text}`)));
  });
  return { server, address };
}

/** A page, with all that its console complains of. */
async function open(hash: string, options: BrowserContextOptions = {}, from = address): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  // What a server does not know is the page's business: it tells of it.
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
  });
  page.on("dialog", (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  const assets = process.env["ASSETS"];
  if (assets) {
    await page.route(/\/(app\.js|app\.css)?$/, async (route) => {
      const name = new URL(route.request().url()).pathname.slice(1) || "index.html";
      await route.fulfill({ response: await route.fetch(), body: readFileSync(join(assets, name)) });
    });
  }
  await page.goto(from + hash);
  return { page, complaints };
}

const close = (page: Page) => page.context().close();
const runLink = (id: string, rest = "") => `#/run/${encodeURIComponent(id)}${rest}`;

/** The epoch that the progress shows: `12 of 3,000`. */
async function epochOf(page: Page): Promise<number> {
  const text = await page.locator(".strip .figures div", { hasText: "Epoch" }).first().locator("b").innerText();
  return Number(text.split(" of ")[0]!.replace(/,/g, ""));
}

async function waitFor(what: string, holds: () => Promise<boolean>) {
  for (let turn = 0; turn < 200; turn++) {
    if (await holds().catch(() => false)) return;
    await new Promise((go) => setTimeout(go, 100));
  }
  assert.fail(`waited in vain for ${what}`);
}

describe("the page of thalweg ui", { skip: absent }, () => {
  before(async () => {
    assert.ok(existsSync(THALWEG), `there is no ${THALWEG}: build it (cargo build), or name it with THALWEG`);
    folder = mkdtempSync(join(tmpdir(), "thalweg-page-"));
    mkdirSync(LOOK, { recursive: true });
    writeFileSync(join(folder, "hostile.csv"), hostileTable());
    const quick = ["--ensemble", "1", "--epochs", "30", "--quiet"];
    thalweg("train", "sample:iris", ...quick, "-o", "runs/iris-1");
    thalweg("train", "sample:iris", ...quick, "--seed", "7", "--learning-rate", "0.01", "-o", "runs/iris-2");
    thalweg("train", "sample:breast-cancer", ...quick, "-o", "runs/cancer-1");
    thalweg("train", "sample:diabetes", ...quick, "-o", "runs/diabetes-1");
    thalweg("train", "hostile.csv", ...quick, "-o", `runs/${HOSTILE.run}`);
    address = (await serve()).address;
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  });

  after(async () => {
    await browser?.close();
    for (const child of children) child.kill();
    if (folder) rmSync(folder, { recursive: true, force: true });
    console.log(`screenshots: ${LOOK}`);
  });

  test("runs are found, sorted and labelled", async () => {
    const { page, complaints } = await open("#/");
    const names = page.locator(".runs .name a");
    await names.first().waitFor();
    assert.equal(await names.count(), 5);
    await page.keyboard.press("/");
    await page.keyboard.type("iris");
    assert.deepEqual((await names.allInnerTexts()).sort(), ["iris-1", "iris-2"]);
    await page.getByRole("button", { name: "Run", exact: true }).click();
    assert.deepEqual(await names.allInnerTexts(), ["iris-1", "iris-2"]);
    await page.getByRole("button", { name: "Run", exact: true }).click();
    assert.deepEqual(await names.allInnerTexts(), ["iris-2", "iris-1"]);

    await page.getByRole("button", { name: "Tags and notes of iris-1" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Tags, separated by commas").fill("baseline, small, baseline");
    await dialog.getByLabel("Notes").fill("The first <b>one</b>");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByText("The first <b>one</b>").waitFor();
    await page.getByRole("group", { name: "Tags" }).getByRole("button", { name: "baseline" }).click();
    assert.deepEqual(await names.allInnerTexts(), ["iris-1"]);
    await page.reload();
    await page.getByText("The first <b>one</b>").waitFor();
    assert.deepEqual(complaints, []);
    await close(page);
  });

  test("a run is watched, stopped and resumed", async () => {
    const training = spawn(
      THALWEG,
      ["train", "sample:digits", "--epochs", "100000", "--patience", "0", "--ensemble", "1", "--quiet", "-o", "runs/live"],
      { cwd: folder, stdio: "ignore" },
    );
    children.push(training);
    const { page, complaints } = await open("#/");
    // It appears in the list by itself.
    await page.locator(".runs a", { hasText: "live" }).click();
    await page.locator(".run-title .status.running").waitFor();
    await waitFor("the first epochs", async () => (await epochOf(page)) > 1);
    const chart = page.getByRole("img", { name: /^Cost and loss by epoch/ });
    const [epoch, words] = [await epochOf(page), await chart.getAttribute("aria-label")];
    await waitFor("more epochs", async () => (await epochOf(page)) > epoch + 3);
    await waitFor("the curve to grow", async () => (await chart.getAttribute("aria-label")) !== words);
    assert.match(await page.locator(".strip").innerText(), /Rows a second\s+[\d,]+/);
    await page.screenshot({ path: join(LOOK, "live-1440.png"), fullPage: true });

    await page.getByRole("button", { name: "Stop" }).click();
    await page.locator(".run-title .status.interrupted").waitFor();
    await page.getByText(/The run stopped with [\d,]+ epochs left/).waitFor();
    const stopped = Number((await page.locator(".about div", { hasText: "Epochs" }).locator("dd").innerText()).split(" ")[0]!.replace(/,/g, ""));
    assert.ok(stopped >= epoch, `stopped at ${stopped}, after ${epoch} had been seen`);

    await page.getByRole("button", { name: "Resume" }).click();
    await page.locator(".run-title .status.running").waitFor();
    await waitFor("epochs after the resumption", async () => (await epochOf(page)) > stopped);
    await page.getByRole("button", { name: "Stop" }).click();
    await page.locator(".run-title .status.interrupted").waitFor();
    assert.deepEqual(complaints, []);
    await close(page);
  });

  test("dragging over a chart zooms in, and smoothing tells its β", async () => {
    const { page, complaints } = await open(runLink("iris-1"));
    const canvas = page.getByRole("img", { name: /^Cost and loss by epoch/ });
    await canvas.scrollIntoViewIfNeeded();
    const over = (await canvas.locator(".u-over").boundingBox())!;
    const asked = page.waitForRequest(/curves\?.*from=\d+&to=\d+/);
    await page.mouse.move(over.x + over.width * 0.3, over.y + 40);
    await page.mouse.down();
    await page.mouse.move(over.x + over.width * 0.6, over.y + 50, { steps: 5 });
    await page.mouse.up();
    const range = /from=(\d+)&to=(\d+)/.exec((await asked).url())!.slice(1).map(Number);
    assert.ok(range[0]! > 5 && range[1]! < 24 && range[0]! < range[1]!, `zoomed to ${range}`);
    await page.getByRole("button", { name: /show all/ }).click();
    await page.getByRole("button", { name: /show all/ }).waitFor({ state: "detached" });
    await canvas.focus();
    const zoomed = page.waitForRequest(/curves\?.*from=/);
    await page.keyboard.press("+");
    await zoomed;
    await page.keyboard.press("0");
    const slider = page.getByLabel("Smoothing");
    await slider.focus();
    for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowRight");
    await page.getByText("about the last 10 epochs").waitFor();
    assert.deepEqual(complaints, []);
    await close(page);
  });

  test("a cell of the confusion matrix shows its examples, a threshold its cost", async () => {
    const { page, complaints } = await open(runLink("cancer-1", "?tab=answers"));
    const wrong = page.locator(".matrix button.miss").filter({ hasText: /\d/ }).first();
    await wrong.click();
    await page.getByRole("region", { name: "Examples of the chosen cell" }).waitFor();
    await wrong.focus();
    await page.keyboard.press("ArrowLeft");
    const mean = page.locator(".figures div", { hasText: "Recall" }).locator("b");
    const threshold = page.getByLabel(/^Threshold/);
    await threshold.fill("0");
    assert.equal(await mean.innerText(), "100.0\u00a0%");
    await threshold.fill("1");
    const cost = page.locator(".figures div", { hasText: "Mean cost" }).locator("b");
    const before = await cost.innerText();
    await page.getByLabel("A miss (FN) costs").fill("10");
    assert.notEqual(await cost.innerText(), before);
    assert.deepEqual(complaints, []);
    await close(page);
  });

  test("runs are chosen and compared", async () => {
    const { page, complaints } = await open("#/");
    await page.getByLabel("Select iris-1").check();
    await page.getByLabel("Select iris-2").check();
    await page.getByRole("link", { name: "Compare" }).click();
    await page.getByRole("heading", { name: "Compare" }).waitFor();
    const rate = page.locator("tr", { has: page.getByText("train.learning_rate") });
    assert.match(await rate.innerText(), /0\.01/);
    await page.getByRole("row", { name: /^Accuracy/ }).first().waitFor();
    await page.getByRole("img", { name: /^Dev loss of each run/ }).waitFor();
    await page.getByRole("heading", { name: "Is the difference chance?" }).waitFor();
    await page.getByRole("button", { name: "by time" }).click();
    assert.deepEqual(complaints, []);
    await close(page);
  });

  test("a form answers, and answers anew when a value changes", async () => {
    const { page, complaints } = await open(runLink("iris-1", "/try"));
    const answer = page.locator(".answers .value");
    await answer.waitFor();
    const [first, bars] = [await answer.innerText(), await page.locator(".answers .bars").first().innerText()];
    assert.match(first, /setosa|versicolor|virginica/);
    const petal = page.getByRole("spinbutton", { name: /petal.*length/i });
    await petal.fill("1.4");
    await page.getByRole("spinbutton", { name: /petal.*width/i }).fill("0.2");
    await waitFor("setosa", async () => /setosa/.test(await answer.innerText()));
    assert.notEqual(await page.locator(".answers .bars").first().innerText(), bars);
    await page.getByRole("button", { name: "Typical row" }).click();
    await waitFor("the first answer", async () => (await answer.innerText()) === first);
    assert.deepEqual(complaints, []);
    await close(page);
  });

  test("markup in the names of runs, columns and classes is text", async () => {
    const { page, complaints } = await open("#/");
    await page.getByRole("link", { name: HOSTILE.run }).waitFor();
    for (const rest of ["", "?tab=network", "?tab=answers", "?tab=configuration", "?tab=report", "/try"]) {
      await page.goto(address + runLink(HOSTILE.run, rest));
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.waitForLoadState("networkidle").catch(() => undefined);
      await page.waitForTimeout(300);
      assert.equal(await page.evaluate("window.pwned"), undefined, rest);
      assert.equal(await page.locator("img[src=x], svg[onload], main script").count(), 0, rest);
    }
    await page.getByText(HOSTILE.class).first().waitFor();
    await page.getByText(HOSTILE.column).first().waitFor();
    await page.goto(`${address}#/compare?runs=${encodeURIComponent(HOSTILE.run)},iris-1`);
    await page.getByRole("link", { name: HOSTILE.run }).waitFor();
    assert.equal(await page.evaluate("window.pwned"), undefined);
    assert.deepEqual(complaints, []);
    await close(page);
  });

  const PAGES: [string, string, string][] = [
    ["runs", "#/", ".runs"],
    ["learning", runLink("iris-1"), ".plot canvas"],
    ["network", runLink("iris-1", "?tab=network"), ".plot canvas"],
    ["answers", runLink("cancer-1", "?tab=answers"), ".matrix"],
    ["numbers", runLink("diabetes-1", "?tab=answers"), ".report"],
    ["configuration", runLink("iris-1", "?tab=configuration"), ".options"],
    ["report", runLink("iris-1", "?tab=report"), ".report"],
    ["try", runLink("cancer-1", "/try"), ".answers .value"],
    ["compare", "#/compare?runs=iris-1,iris-2", ".side-by-side"],
    ["studies", "#/studies", "main h1, main h2"],
    ["missing", runLink("nowhere"), ".empty"],
  ];

  for (const [name, hash, there] of PAGES) {
    test(`${name} is for everybody, at every width`, async () => {
      for (const colorScheme of ["light", "dark"] as const) {
        const { page, complaints } = await open(hash, { colorScheme });
        await page.locator(there).first().waitFor();
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: 900 });
          await page.waitForTimeout(250);
          const beyond = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
          assert.ok((beyond as number) <= 0, `${name} at ${width}: ${beyond} pixels too wide`);
          await page.screenshot({ path: join(LOOK, `${name}-${width}-${colorScheme}.png`), fullPage: true });
          await page.evaluate(AXE);
          const found = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as {
            violations: { id: string; impact: string; help: string; nodes: { html: string; failureSummary: string }[] }[];
          };
          const serious = found.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
          const told = serious.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.slice(0, 3).map((node) => `  ${node.html}\n  ${node.failureSummary}`).join("\n")}`);
          assert.deepEqual(told, [], `${name} at ${width}, ${colorScheme}`);
        }
        assert.deepEqual(complaints, []);
        await close(page);
      }
    });
  }

  test("a server that ends is told of", async () => {
    const { server, address } = await serve();
    const { page } = await open(runLink("iris-1"), {}, address);
    await page.locator(".plot canvas").first().waitFor();
    server.kill();
    await page.getByText("Connection lost").waitFor();
    await page.getByRole("button", { name: "Tags and notes" }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("The server does not answer.").waitFor();
    await close(page);
  });

  test("the switch of colours outlives a reload", async () => {
    const { page } = await open("#/", { colorScheme: "light" });
    const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    await page.getByRole("button", { name: /^Colours/ }).click();
    await page.getByRole("button", { name: /^Colours: light/ }).click();
    assert.notEqual(await ground(), light);
    await page.reload();
    await page.getByRole("heading", { name: "Runs" }).waitFor();
    assert.notEqual(await ground(), light);
    await close(page);
  });

  test("a run is deleted once that is confirmed", async () => {
    const { page, complaints } = await open("#/");
    await page.getByRole("button", { name: "Delete iris-2" }).click();
    const dialog = page.getByRole("dialog", { name: "Delete iris-2?" });
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.ok(existsSync(join(folder, "runs/iris-2")));
    await page.getByRole("button", { name: "Delete iris-2" }).click();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("link", { name: "iris-2" }).waitFor({ state: "detached" });
    assert.ok(!existsSync(join(folder, "runs/iris-2")));
    assert.ok(existsSync(join(folder, "runs/iris-1")));
    assert.deepEqual(complaints, []);
    await close(page);
  });
});
