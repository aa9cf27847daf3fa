import { readFileSync } from "node:fs";

import { defineConfig } from "vite";

// What is built in goes with its licence.
const licences = ["preact", "uplot"].map((name) => `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim()}`);

// The built files are committed, so their names have no hashes and there is one of each kind.
export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../crates/ui/assets",
    emptyOutDir: true,
    modulePreload: false,
    cssCodeSplit: false,
    rolldownOptions: {
      output: {
        entryFileNames: "app.js",
        assetFileNames: "app[extname]",
        codeSplitting: false,
        postBanner: `/*!\nWith:\n\n${licences.join("\n\n")}\n*/`,
      },
    },
  },
});
