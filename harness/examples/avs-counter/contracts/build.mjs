// Compiles src/ and writes out/ as `forge build` lays it out, for machines without Foundry. The compiler is that of
// fixtures/contracts.
//
//   node build.mjs           compile and write
//   node build.mjs --check   compile and compare with what is committed; exit 1 names the stale files

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(root, '../../../../fixtures/contracts/package.json'));
const solc = require('solc');

const files = readdirSync(join(root, 'src')).filter((name) => name.endsWith('.sol'));
const input = {
  language: 'Solidity',
  sources: Object.fromEntries(files.map((name) => [name, { content: readFileSync(join(root, 'src', name), 'utf8') }])),
  settings: {
    evmVersion: 'prague',
    optimizer: { enabled: true, runs: 200 },
    // The bytecode must not change with a comment or a path.
    metadata: { appendCBOR: false, bytecodeHash: 'none' },
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
const errors = (output.errors ?? []).filter(({ severity }) => severity === 'error');
if (errors.length > 0) {
  console.error(errors.map(({ formattedMessage }) => formattedMessage).join('\n'));
  process.exit(1);
}

const stale = [];
for (const [file, contracts] of Object.entries(output.contracts)) {
  for (const [name, { abi, evm }] of Object.entries(contracts)) {
    if (evm.bytecode.object === '') continue;
    const path = join(root, 'out', file, `${name}.json`);
    const text = `${JSON.stringify({ abi, bytecode: { object: `0x${evm.bytecode.object}` } }, null, 2)}\n`;
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
    stale.push(relative(root, path));
    if (process.argv.includes('--check')) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}
if (process.argv.includes('--check') && stale.length > 0) {
  console.error(`stale: ${stale.join(', ')}; run \`node build.mjs\` in ${root}`);
  process.exit(1);
}
