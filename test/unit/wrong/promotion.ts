import { remote, type Wrong } from "./common.ts";

const promote = (change: object) => ({ registry: remote, promote: change });

/** Wrong configurations: what is promoted. */
export const wrongPromotion: readonly Wrong[] = [
  [
    "a stack in words",
    promote({ from: "the stack dev" }),
    'promote.from: found "the stack dev"; a stack of this project, or organization/project/stack, is needed, for example dev',
  ],
  [
    "a stack without its organization",
    promote({ from: "catalog/dev" }),
    'promote.from: found "catalog/dev"; a stack of this project, or organization/project/stack, is needed, for example dev',
  ],
  [
    "images of no stack",
    promote({ only: ["flask-helloworld"] }),
    "promote.from: missing; the stack whose images are taken is needed, for example dev",
  ],
  [
    "no image at all",
    promote({ from: "dev", only: [] }),
    "promote.only: found []; at least one image is needed",
  ],
  [
    "one image that is no list",
    promote({ from: "dev", only: "flask-helloworld" }),
    'promote.only: found "flask-helloworld"; a list of images is needed',
  ],
  [
    "a misspelled key of promotion",
    promote({ form: "dev" }),
    "promote: unknown key form; did you mean from? (allowed: from, only)",
  ],
  [
    "promotion into an embedded registry",
    { promote: { from: "dev" } },
    "registry.embedded: found true; images are promoted into a registry with TLS, so false and its address are needed",
  ],
  [
    "two promoted applications on one port",
    {
      ...promote({ from: "dev" }),
      applications: ["a", "b"].map((name) => ({ name, publish: 5000 })),
    },
    "applications: port 5000 is there twice; publish another",
  ],
];
