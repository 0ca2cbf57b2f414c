import { Application } from "./components/application.ts";
import { Catalog } from "./components/catalog.ts";
import type { CatalogImage } from "./components/catalogImage.ts";
import { readConfig } from "./components/config.ts";
import { ContainerService } from "./components/containerService.ts";
import { EmbeddedRegistry } from "./components/embeddedRegistry.ts";
import { Framework } from "./components/framework.ts";
import type { ImageLayer } from "./components/imageLayer.ts";
import { Java } from "./components/java.ts";
import { OperatingSystem } from "./components/operatingSystem.ts";
import { imagesOf, stackPage } from "./components/outputs.ts";
import { promotedImages } from "./components/promotion.ts";
import { Protection } from "./components/protection.ts";
import { Pyenv } from "./components/pyenv.ts";
import { Python } from "./components/python.ts";
import { SharedRegistry } from "./components/sharedRegistry.ts";
import { SlimPython } from "./components/slimPython.ts";
import { treeOf } from "./components/tree.ts";

// registry ─┬─ os ─┬─ pyenv ── python x.y.z ·· (builds what stands on the slim one)
//           │     ├─ python x.y.z-slim ── framework ─┬─ application (runs)
//           │     └─ java x ─────────────────────────┘
//           └─ or images of another stack, promoted by digest (run)
const config = await readConfig();
const { sources } = config;

const shelf = config.registry.embedded
  ? new EmbeddedRegistry("registry", config.registry)
  : new SharedRegistry("registry", config.registry);
const catalog = new Catalog(config, shelf);
const tree = treeOf(config);

const systems = tree.systems.map(
  ({ name, settings }) => new OperatingSystem(name, { catalog, settings }, { dependsOn: shelf.ready }),
);

const pyenvs = tree.pyenvs.map(({ name, settings, parent }) => {
  const os = layerOf(systems, parent);
  return new Pyenv(name, { catalog, parent: os, settings }, { dependsOn: os });
});

const pythons = tree.pythons.map(({ name, settings, parent }) => {
  const pyenv = layerOf(pyenvs, parent);
  return new Python(name, { catalog, parent: pyenv, settings, sources }, { dependsOn: pyenv });
});

const slimPythons = tree.slimPythons.map(({ name, settings, parent, builder }) => {
  const [os, python] = [layerOf(systems, parent), layerOf(pythons, builder)];
  return new SlimPython(
    name,
    { catalog, parent: os, builder: python, settings },
    { dependsOn: [os, python] },
  );
});

const frameworks = tree.frameworks.map(({ name, settings, parent: branch, builder: compilers }) => {
  const [parent, builder] = [layerOf([...slimPythons, ...pythons], branch), layerOf(pythons, compilers)];
  const dependsOn = both(parent, builder);
  return new Framework(name, { catalog, parent, builder, settings, sources }, { dependsOn });
});

const javas = tree.javas.map(({ name, settings, parent }) => {
  const os = layerOf(systems, parent);
  return new Java(name, { catalog, parent: os, settings }, { dependsOn: os });
});

const applications = tree.applications.map(({ name, settings, parent: branch, builder: compilers }) => {
  const grounds: ImageLayer[] = [...frameworks, ...javas, ...slimPythons, ...pythons];
  const [parent, builder] = [layerOf(grounds, branch), layerOf(grounds, compilers)];
  return new Application(
    name,
    { catalog, parent, builder, settings, source: sources.application[name], sources },
    { dependsOn: both(parent, builder) },
  );
});

const promoted = await promotedImages(config, catalog);

const built = [...systems, ...pyenvs, ...pythons, ...slimPythons, ...frameworks, ...javas, ...applications];
const layers = [...built, ...promoted];

const services = config.applications
  .filter(({ publish }) => publish !== undefined)
  .map((settings) => {
    const application = layerOf(layers, settings);
    const args = { application, settings, registry: shelf };
    return new ContainerService(`${settings.name}-service`, args, { dependsOn: application });
  });

new Protection("protection", { protect: config.protect, dependsOn: [...layers, ...services] });

/** The registry and namespace of all images. */
export const registry = `${shelf.address}/${config.namespace}`;
/** The login's secret half, where the registry is this stack's own. */
export const registryPassword = config.registry.embedded ? config.registry.password : null;
/** Every image by its layer's name: ref, digest, tags, parent, version. */
export const images = imagesOf(layers);
/** Where the first service answers. */
export const serviceUrl = services[0]?.url ?? null;
/** The stack's page. */
export const readme = stackPage(layers, services);

/** The layer that a branch of the tree has become. */
function layerOf<Layer extends CatalogImage>(
  layers: readonly Layer[],
  branch: { name: string } | undefined,
): Layer {
  return layers.find(({ layerName }) => layerName === branch?.name) as Layer;
}

/** What a layer is built from, each named once. */
function both(parent: ImageLayer, builder: ImageLayer): ImageLayer[] {
  return [...new Set([parent, builder])];
}
