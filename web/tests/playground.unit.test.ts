// What the playground computes by itself: addresses and headers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { headerOf } from "../src/playground/csv.ts";
import { decode, encode } from "../src/playground/settings.ts";

const usual = { data: "circles", layers: "4,2", noise: 0.1, batch_norm: false, seed: 0 };

test("settings come back from their address", () => {
  assert.equal(encode(usual, usual), "seed=0");
  const set = { ...usual, data: "a & b=c", layers: "8,8", noise: 0.25, batch_norm: true, seed: 7 };
  assert.equal(encode(set, usual), "data=a%20%26%20b%3Dc&layers=8,8&noise=0.25&batch_norm=true&seed=7");
  assert.deepEqual(decode(encode(set, usual), usual), set);
});

test("what an address lacks or gets wrong is as usual", () => {
  assert.deepEqual(decode("", usual), usual);
  assert.deepEqual(decode("noise=much&seed=&other=1&batch_norm=maybe", usual), usual);
  assert.equal(decode("noise=1e-3", usual).noise, 0.001);
});

test("the first line of a table names its columns", () => {
  assert.deepEqual(headerOf("a,b,c\n1,2,3"), ["a", "b", "c"]);
  assert.deepEqual(headerOf('\ufeff"x, y";b b;"say ""no"""\r\n1;2;3'), ["x, y", "b b", 'say "no"']);
  assert.deepEqual(headerOf("a\tb,c\td"), ["a", "b,c", "d"]);
});
