import { z } from "zod";
import { whole } from "./wording.ts";

const megabytes = whole("a number of MB from 1", 40, 1);
const of = (images: string, most: number) => megabytes.default(most).describe(`An image of ${images}.`);

/** How much the images of each kind may add to what they are built from. */
export const budgetsSchema = z.strictObject({
  systems: of("an operating system, with its tools", 45),
  pyenvs: of("a pyenv, with the compilers", 130),
  pythons: of("a Python", 25),
  slimPythons: of("a slim Python", 14),
  javas: of("a Java", 100),
  frameworks: of("a framework", 40),
  applications: of("an application", 10),
});

/** The same for a single image. */
export const budget = megabytes
  .optional()
  .meta({ example: 400 })
  .describe("How many MB it may add, in place of its kind's number in `budgets`.");
