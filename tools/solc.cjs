// `solc` for Ape (through py-solc-x), backed by solc-js. Answers --version and --standard-json, which is all that Ape asks.
//
// Plain `solcjs --standard-json` writes a line about SMT solvers to stdout before the JSON; this does not. The version is a
// argument, because asking solc-js for it loads the whole compiler, and Ape asks twice a run.
//
// `--standard-json-lines` answers one input a line until the end, for whoever compiles hundreds of times (tools/mutate.py): the compiler
// is loaded once and warm.
//
//   node solc.cjs HOME_OF_SOLC_JS VERSION [--version | --standard-json [--base-path DIR] | --standard-json-lines]
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const [home, version, ...args] = process.argv.slice(2);

if (args.includes("--version")) {
  console.log("Version: " + version);
} else if (args.includes("--standard-json")) {
  const at = args.indexOf("--base-path");
  const base = at < 0 ? process.cwd() : args[at + 1];
  const read = (name) => {
    try {
      return { contents: fs.readFileSync(path.resolve(base, name), "utf8") };
    } catch (error) {
      return { error: error.message };
    }
  };
  // A natural exit, not process.exit(): a pipe may take a short write.
  process.stdout.write(require(home).compile(fs.readFileSync(0, "utf8"), { import: read }));
} else if (args.includes("--standard-json-lines")) {
  const compiler = require(home);
  require("node:readline")
    .createInterface({ input: process.stdin })
    .on("line", (line) => process.stdout.write(JSON.stringify(JSON.parse(compiler.compile(line))) + "\n"));
} else {
  console.error("Error: this solc answers --version and --standard-json only");
  process.exitCode = 1;
}
