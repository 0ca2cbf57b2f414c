import type { Options } from "../options.ts";
import { filePins } from "../outdated/files.ts";
import { guarded } from "../outdated/guarded.ts";
import { indexesOf } from "../outdated/lookUp.ts";
import { outside, trust } from "../outdated/outside.ts";
import { pinsOf } from "../outdated/pins.ts";
import { survey } from "../outdated/survey.ts";
import { tableOf } from "../outdated/table.ts";
import { readStack } from "../program/stack.ts";
import { logToStderr, note } from "../tools/log.ts";
import { pipSettings } from "../tools/pip.ts";

/** A line of progress comes so often, in milliseconds. */
const EVERY = 5000;

/** `npm run outdated`: for everything that a stack pins, what is newer. It only asks, and changes nothing. */
export async function outdated(options: Options): Promise<number> {
  logToStderr();
  const { name, config } = readStack(options.stack ?? "dev");
  const pip = await pipSettings();
  trust([config.sources.ca, pip.cert]);
  const pins = [...pinsOf(config), ...filePins(config)];
  note("outdated", `stack ${name}: looking up ${pins.length} pins…`);
  let answers = 0;
  const asked = guarded(outside, (count) => {
    answers = count;
  });
  const progress = setInterval(() => note("outdated", `${answers} answers…`), EVERY);
  try {
    const found = await survey(pins, asked, indexesOf(config.sources, pip["index-url"]));
    const json = () => `${JSON.stringify({ stack: name, ...found }, null, 2)}\n`;
    process.stdout.write(options.json ? json() : tableOf(found));
  } finally {
    clearInterval(progress);
  }
  return 0;
}
