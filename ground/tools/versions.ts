/** The versions of the tools that are fetched where the machine has none. `npm run outdated` and Renovate read them. */

/** uv, which locks requirements: a package of PyPI. */
// renovate: datasource=pypi depName=uv
export const UV = "0.13.9";

/** pyperformance, whose benchmarks `npm run bench` takes, and pyperf, which runs them: packages of PyPI. */
// renovate: datasource=pypi depName=pyperformance
export const PYPERFORMANCE = "1.14.0";
// renovate: datasource=pypi depName=pyperf
export const PYPERF = "2.10.0";

/** BuildKit: the image moby/buildkit, or the Go module of the same name. */
// renovate: datasource=github-releases depName=moby/buildkit
export const BUILDKIT = "v0.31.1";

/** buildx: the Go module docker/buildx. */
// renovate: datasource=github-releases depName=docker/buildx
export const BUILDX = "v0.35.0";
