import { hasLogin } from "../components/wording.ts";
import { IMAGE } from "./images.ts";
import { isText, membersOf, type Policy } from "./policy.ts";

/** A name one of whose words says that the value is secret: DB_PASSWORD, GITHUB_TOKEN, but not MAX_TOKENS. */
const NAME =
  /(^|_)(PASS|PASSWD|PASSWORD|PASSPHRASE|SECRET|SECRETS|TOKEN|CREDENTIAL|CREDENTIALS|APIKEY|(API|ACCESS|PRIVATE|SECRET)_?KEY)(_|$)/i;
/** A private key, or a token of GitHub, GitLab, npm, PyPI, Slack or AWS, or a JSON web token. */
const VALUE =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(gh[pousr]_|github_pat_|glpat-|npm_|pypi-|xox[abps]-)[\w-]{16,}|\bAKIA[0-9A-Z]{16}\b|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\./;

/** Build arguments are plain text in the state, in previews and in the image's history. */
export const secretArguments: Policy = {
  name: "secret-arguments",
  description: "No build argument looks like a secret.",
  types: [IMAGE],
  allow: {
    description: "Names of build arguments that are no secrets, whatever they look like.",
    unlessListed: () => [],
  },
  check: ({ props }, allowed) =>
    Object.entries(membersOf(props.buildArgs))
      .filter(([name, value]) => !allowed.includes(name) && (NAME.test(name) || isSecret(value)))
      .map(
        ([name]) =>
          `its build argument ${name} looks like a secret, which the state and the image's history would keep; ` +
          "give it as a build secret, `RUN --mount=type=secret`, or allow the name if it is none",
      ),
};

const isSecret = (value: unknown) => isText(value) && (VALUE.test(value) || hasLogin(value));
