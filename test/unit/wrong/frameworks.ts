import { app, flasks, frameworks, onApp, type Wrong } from "./common.ts";

/** What an application may be built on here. */
const names = "flask, flask-3.1, python, python-3.13";

/** Wrong configurations: Javas, frameworks and applications. */
export const wrongFrameworks: readonly Wrong[] = [
  [
    "a revision that is no number",
    { frameworks: [{ name: "flask", version: "3.1.3", revision: "r2" }] },
    'frameworks[0].revision: found "r2"; a number from 1 is needed, for example 2',
  ],
  [
    "a revision of zero",
    { frameworks: [{ name: "flask", version: "3.1.3", revision: 0 }] },
    "frameworks[0].revision: found 0; a number from 1 is needed, for example 2",
  ],
  [
    "a Java with a full version",
    { javas: [{ version: "21.0.5" }] },
    'javas[0].version: found "21.0.5"; a feature version is needed, for example 21',
  ],
  ["a Java twice", { javas: [{ version: "21" }, { version: 21 }] }, "javas: 21 is there twice; keep one"],
  [
    "a framework that is misspelled",
    { frameworks: [{ name: "flsk", version: "3.1.3" }], applications: [] },
    `frameworks[0].name: found "flsk"; did you mean flask? (allowed: ${frameworks})`,
  ],
  [
    "a framework without lock",
    { frameworks: [{ name: "flask", version: "3.9.9" }] },
    `frameworks[0].version: found "3.9.9"; images/flask/3.9.9/requirements.txt is needed (versions there: ${flasks})`,
  ],
  [
    "a framework out of the house",
    { frameworks: [{ name: "../flask", version: "3.1.3" }] },
    'frameworks[0].name: found "../flask"; a lower-case image name is needed, for example flask-helloworld',
  ],
  [
    "a framework without version",
    { frameworks: [{ name: "flask" }] },
    "frameworks[0].version: missing; a version is needed, for example 3.1.3",
  ],
  [
    "a framework twice",
    { frameworks: [1, 2].map(() => ({ name: "flask", version: "3.1.3" })) },
    "frameworks: flask 3.1 is there twice; one version of each series is allowed",
  ],
  [
    "an application on a misspelled framework",
    onApp({ framework: "flaks" }),
    `applications[0].framework: found "flaks"; did you mean flask? (allowed: ${names})`,
  ],
  [
    "an application on a framework that is not listed",
    onApp({ framework: "tensorflow" }),
    `applications[0].framework: found "tensorflow"; one of ${names} is needed`,
  ],
  [
    "an application on Java without a Java",
    onApp({ framework: "java" }),
    `applications[0].framework: found "java"; one of ${names} is needed`,
  ],
  [
    "an application that is to be built, without version and framework",
    { applications: [{ name: "flask-helloworld" }] },
    "applications[0].version: missing; a version is needed, for example 1.0.0",
    `applications[0].framework: missing; one of ${names} is needed`,
  ],
  [
    "an application without folder",
    onApp({ name: "nowhere" }),
    'applications[0].name: found "nowhere"; a folder images/nowhere with a Dockerfile is needed',
  ],
  [
    "an application twice",
    { applications: [app, app] },
    "applications: flask-helloworld is there twice; keep one",
  ],
  [
    "a misspelled key of an application",
    onApp({ ports: 5000 }),
    "applications[0]: unknown key ports; did you mean port? (allowed: name, version, revision, budget, framework, args, port, publish, address, workers, memory)",
  ],
  [
    "a port that is too high",
    onApp({ publish: 70000 }),
    "applications[0].publish: found 70000; a port from 1 to 65535 is needed, for example 5000",
  ],
  [
    "a port that is a text",
    onApp({ port: "5000" }),
    'applications[0].port: found "5000"; a port from 1 to 65535 is needed, for example 5000',
  ],
  [
    "an address that is a name",
    onApp({ address: "localhost" }),
    'applications[0].address: found "localhost"; an IPv4 address of this machine is needed, for example 127.0.0.1',
  ],
  [
    "too little memory",
    onApp({ memory: 1.5 }),
    "applications[0].memory: found 1.5; a number of MB, at least 16, is needed, for example 256",
  ],
  [
    "a build argument of the catalog",
    onApp({ args: { PARENT: "scratch" } }),
    'applications[0].args.PARENT: found "scratch"; a build argument of the application\'s own is needed, for example FLASK_APP',
  ],
  [
    "build arguments that are a list",
    onApp({ args: ["FLASK_APP=app.py"] }),
    'applications[0].args: found ["FLASK_APP=app.py"]; names with a value each are needed',
  ],
  [
    "a build argument that is a list",
    onApp({ args: { API_TOKEN: ["hunter2"] } }),
    "applications[0].args.API_TOKEN: found a value that is not shown; a text is needed",
  ],
];
