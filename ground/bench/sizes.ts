import { readFileSync } from "node:fs";
import { type Size, sizesOf } from "../program/sizes.ts";
import { must } from "../tools/exec.ts";
import { inCopy } from "./copy.ts";
import type { Bench, Figure, Row } from "./figures.ts";
import { realChain } from "./realChain.ts";
import { said, UP } from "./turns.ts";

/** What the official image of a kind has, as published: docs/official-images.json. */
export interface Official {
  /** The layer of the catalog that it stands beside, such as "python-3.13-slim-debian-13". */
  readonly beside: string;
  /** Such as "python:3.13-slim". */
  readonly image: string;
  /** Which one it was, by its longest tag. */
  readonly version: string;
  /** In bytes, with the date of the image. */
  readonly onDisk?: { readonly bytes: number; readonly date: string };
  readonly compressed?: { readonly bytes: number; readonly date: string };
  /** Where it is published. */
  readonly sources: readonly string[];
}

const DATA = "docs/official-images.json";

/** How big the images are, on disk and in the registry, beside official images of the same kind. */
export function sizes(bench: Bench): Promise<Figure[]> {
  const official = JSON.parse(readFileSync(DATA, "utf8")) as Official[];
  return inCopy(async (copy) => {
    const project = await realChain(bench, copy, { javas: [{ version: "21" }] });
    await said("the real chain and a Java", project.timed(...UP));
    const images = await project.images();
    const measured = await sizesOf(images, project.login);
    await project.pull(...Object.values(images).map(({ ref }) => ref));
    const onDisk = new Map<string, number>();
    for (const [name, { ref }] of Object.entries(images)) {
      const { stdout } = await must("docker", ["image", "inspect", "--format", "{{.Size}}", ref]);
      onDisk.set(name, Number(stdout));
    }
    return [
      {
        title: "The images of the real chain and a Java, and the official ones",
        method:
          "On disk is what `docker image inspect` says, layers unpacked; compressed is the sum of the layers in the registry. " +
          `The official images' figures are published ones, with their dates in [\`official-images.json\`](${DATA.replace("docs/", "")}); ` +
          "those of an operating system have no user, no curl, no certificates and no DNS tools.",
        sides: ["catalog", "official"],
        unit: "MB",
        rows: measured.flatMap((size) => rowsOf(size, onDisk.get(size.name) ?? Number.NaN, official)),
      },
    ];
  });
}

function rowsOf({ name, parts }: Size, onDisk: number, official: readonly Official[]): Row[] {
  const peer = official.find(({ beside }) => beside === name);
  const megabytes = (bytes?: number) => (bytes === undefined ? [] : [bytes / 1e6]);
  const beside = peer ? ` (${peer.image})` : "";
  return [
    { what: `${name}, on disk${beside}`, first: megabytes(onDisk), second: megabytes(peer?.onDisk?.bytes) },
    {
      what: `${name}, compressed${beside}`,
      first: megabytes(parts[0]?.whole),
      second: megabytes(peer?.compressed?.bytes),
    },
  ];
}
