import { Application } from "./components/application.ts";
import { Catalog } from "./components/catalog.ts";
import { readConfig } from "./components/config.ts";
import { ContainerService } from "./components/containerService.ts";
import { EmbeddedRegistry } from "./components/embeddedRegistry.ts";
import { Framework } from "./components/framework.ts";
import type { ImageLayer } from "./components/imageLayer.ts";
import { Java } from "./components/java.ts";
import { OperatingSystem } from "./components/operatingSystem.ts";
import { imagesOf, stackPage } from "./components/outputs.ts";
import { Pyenv } from "./components/pyenv.ts";
import { Python } from "./components/python.ts";
import { series } from "./components/settings.ts";
import { SharedRegistry } from "./components/sharedRegistry.ts";

// registry ── os ─┬─ pyenv ── python x.y.z ── framework ─┬─ application (runs)
//                └─ java x ──────────────────────────────┘

const config = readConfig();
const { sources } = config;

const login = { ...config.registry, password: config.registryPassword };
const shelf = config.registry.embedded
  ? new EmbeddedRegistry("registry", login)
  : new SharedRegistry("registry", login);
const catalog = new Catalog(config, shelf);

const os = new OperatingSystem(
  config.os,
  { catalog, os: config.os, version: config.osVersion, packages: config.osPackages, sources },
  { dependsOn: shelf.ready },
);

const pyenv = new Pyenv(
  "pyenv",
  { catalog, parent: os, version: config.pyenv, virtualenvVersion: config.pyenvVirtualenv, sources },
  { dependsOn: os },
);

const pythons = config.pythons.map(
  ({ version, sha256 }) =>
    new Python(
      `python-${series(version)}`,
      { catalog, parent: pyenv, version, sha256, sources },
      { dependsOn: pyenv },
    ),
);

const frameworks = pythons.flatMap((python) =>
  config.frameworks.map(
    ({ name, version }) =>
      new Framework(
        `${name}-${series(version)}-${python.layerName}`,
        { catalog, parent: python, framework: name, version, isDefault: python === pythons[0], sources },
        { dependsOn: python },
      ),
  ),
);

const javas = config.javas.map(
  ({ version }) => new Java(`java-${version}`, { catalog, parent: os, version }, { dependsOn: os }),
);

const applications = config.applications.map((settings) => {
  const parent = [...frameworks, ...javas].find(({ image, version }) =>
    [image, `${image}${version}`].includes(settings.framework),
  ) as ImageLayer;
  return new Application(
    settings.name,
    { catalog, parent, settings, source: sources.application[settings.name], sources },
    { dependsOn: parent },
  );
});

const services = applications
  .filter(({ settings }) => settings.publish !== undefined)
  .map(
    (application) =>
      new ContainerService(
        `${application.layerName}-service`,
        { application, registry: shelf },
        { dependsOn: application },
      ),
  );

const layers = [os, pyenv, ...pythons, ...frameworks, ...javas, ...applications];

/** The registry and namespace of all images. */
export const registry = `${shelf.address}/${config.namespace}`;
/** The login's secret half, where the registry is this stack's own. */
export const registryPassword = config.registry.embedded ? config.registryPassword : null;
/** Every image by its layer's name: ref, digest, tags, parent, version. */
export const images = imagesOf(layers);
/** Where the first service answers. */
export const serviceUrl = services[0]?.url ?? null;
/** The stack's page. */
export const readme = stackPage(layers, services);
