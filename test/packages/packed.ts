/** Packs every package as `pnpm publish` would, and lays the tarballs out as an installed project has them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const pnpmVersion = '12.21.0';

export interface PackedPackage {
  /** E.g. `@infrafabric/format`. */
  readonly name: string;
  readonly tarball: string;
  /** Paths inside the tarball. */
  readonly files: readonly string[];
  readonly manifest: Manifest;
}

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Packs all packages into a folder. The packages must be built. */
export function packAll(folder: string): PackedPackage[] {
  runPnpm(['--filter', './packages/*', 'pack', '--pack-destination', folder]);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.tgz'))
    .map((file) => {
      const tarball = join(folder, file);
      const listed = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' });
      const manifest = JSON.parse(
        execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' }),
      );
      const files = listed.trim().split('\n');
      return { name: manifest.name, tarball, files: files.map((path) => path.replace('package/', '')), manifest };
    });
}

/**
 * Makes `project/node_modules` hold the packed packages. What they depend on is linked from this workspace, so that
 * nothing is downloaded; a dependency that a package does not declare is not there, as after a real install.
 */
export function installInto(project: string, packed: readonly PackedPackage[]): void {
  const modules = join(project, 'node_modules');
  for (const { name, tarball, manifest } of packed) {
    const target = join(modules, name);
    mkdirSync(target, { recursive: true });
    execFileSync('tar', ['-xzf', tarball, '-C', target, '--strip-components=1']);
    const workspace = join(repository, 'packages', name.replace('@infrafabric/', ''));
    const outside = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(
      (dependency) => !dependency.startsWith('@infrafabric/'),
    );
    for (const dependency of outside)
      link(join(workspace, 'node_modules', dependency), join(target, 'node_modules', dependency));
  }
  link(join(repository, 'node_modules/@types/node'), join(modules, '@types/node'));
}

function link(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  symlinkSync(realpathSync(from), to);
}

/** The pnpm that runs the tests, where it is on the path; else the one that the README names. */
function runPnpm(args: readonly string[]): void {
  try {
    execFileSync('pnpm', args, { cwd: repository, stdio: 'pipe' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    execFileSync('npx', ['-y', `pnpm@${pnpmVersion}`, ...args], { cwd: repository, stdio: 'pipe' });
  }
}
