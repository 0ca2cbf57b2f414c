import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Parser, type ReadEntry } from "tar";

/** A layer of an image, by its place in an OCI layout. */
export interface LayoutLayer {
  readonly digest: string;
  /** The archive, compressed or not. */
  readonly path: string;
  /** The instruction that has made it, as the image's history says it. */
  readonly createdBy: string;
}

/** An image in an OCI layout: https://specs.opencontainers.org/image-spec/image-layout/. */
export interface LayoutImage {
  readonly digest: string;
  readonly layers: readonly LayoutLayer[];
  readonly config: Readonly<Record<string, unknown>>;
}

interface History {
  readonly created_by?: string;
  readonly empty_layer?: boolean;
}

/** Reads the one image of a layout. */
export function readLayout(folder: string): LayoutImage {
  const path = (digest: string) => join(folder, "blobs", ...digest.split(":"));
  const read = <T>(file: string) => JSON.parse(readFileSync(file, "utf8")) as T;
  const index = read<{ manifests: [{ digest: string }] }>(join(folder, "index.json"));
  const { digest } = index.manifests[0];
  const manifest = read<{ config: { digest: string }; layers: { digest: string }[] }>(path(digest));
  const config = read<{ history?: History[] }>(path(manifest.config.digest));
  const steps = (config.history ?? []).filter(({ empty_layer }) => !empty_layer);
  const layers = manifest.layers.map(({ digest }, i) => ({
    digest,
    path: path(digest),
    createdBy: steps[i]?.created_by ?? "",
  }));
  return { digest, layers, config: { ...config } };
}

/** All that a layer says of a file: its content as a checksum. */
export type Entry = Readonly<Record<"content" | "kind" | "mode" | "owner" | "time", string>>;

/** The files of a layer, by their paths and in its order. */
export async function entriesOf({ path }: LayoutLayer): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  const parser = new Parser({ strict: true });
  parser.on("entry", (entry: ReadEntry) => {
    const hash = createHash("sha256");
    entry.on("data", (chunk) => hash.update(chunk));
    entry.on("end", () => {
      const content = entry.linkpath || hash.digest("hex");
      const owner = `${entry.uid}:${entry.gid}`;
      const mode = (entry.mode ?? 0).toString(8);
      const time = entry.mtime?.toISOString() ?? "none";
      entries.set(entry.path, { content, kind: entry.type, mode, owner, time });
    });
  });
  await pipeline(createReadStream(path), parser as unknown as NodeJS.WritableStream);
  return entries;
}
