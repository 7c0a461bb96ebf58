/** The spool of `@infrafabric/ledger`, of which the exporter is the heaviest user. */
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Spool } from '@infrafabric/ledger';
import { describe, expect, test } from 'vitest';
import { remount, smallDisk, tempHome } from './support.js';

const request = (length: number): Uint8Array => new Uint8Array(length).fill(7);

function newSpool(options?: { maxBytes?: number }): Spool {
  return new Spool(join(tempHome(), 'spool', 'one'), options);
}

describe('Spool', () => {
  test('creates nothing until something is put', () => {
    const spool = newSpool();
    expect([spool.list(), spool.bytes(), spool.read('x')]).toEqual([[], 0, undefined]);
    spool.remove('x');
    expect(existsSync(spool.directory)).toBe(false);
  });

  test.each(['putSync', 'put'] as const)('%s keeps a request, for its owner only, until it is removed', async (put) => {
    const spool = newSpool();
    expect(await spool[put](request(100_000))).toBe(true);
    const [name] = spool.list();
    expect(statSync(join(spool.directory, name!)).mode & 0o777).toBe(0o600);
    expect(statSync(spool.directory).mode & 0o777).toBe(0o700);
    expect(Buffer.compare(spool.read(name!)!, request(100_000))).toBe(0);
    expect(spool.bytes()).toBe(100_000);
    spool.remove(name!);
    expect([spool.list(), spool.bytes(), spool.read(name!)]).toEqual([[], 0, undefined]);
  });

  test('lists what several writers put in the order of time', async () => {
    const spool = newSpool();
    const others = [spool, new Spool(spool.directory)];
    for (let i = 0; i < 20; i++) await others[i % 2]!.put(Uint8Array.of(i));
    expect(spool.list().map((name) => spool.read(name)![0])).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test('refuses what goes beyond its bound, the files of others and those set aside included, and says why', async () => {
    const spool = newSpool({ maxBytes: 30_000 });
    expect(new Spool(spool.directory).putSync(request(20_000))).toBe(true);
    spool.setAside(spool.list()[0]!);
    expect(spool.list()).toEqual([]);
    expect(spool.putSync(request(10_001))).toBe(false);
    expect(spool.refusal).toBeInstanceOf(RangeError);
    expect(await Promise.all([spool.put(request(6_000)), spool.put(request(6_000))])).toEqual([true, false]);
    expect(readdirSync(spool.directory)).toHaveLength(2);
  });

  test('counts a small file as the block that it takes', () => {
    const spool = newSpool({ maxBytes: 8_192 });
    expect([spool.putSync(request(1)), spool.putSync(request(1)), spool.putSync(request(1))]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('frees room when a request is removed by another process', async () => {
    const spool = newSpool({ maxBytes: 10_000 });
    expect(spool.putSync(request(8_000))).toBe(true);
    const other = new Spool(spool.directory);
    other.remove(other.list()[0]!);
    expect(spool.putSync(request(8_000))).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(spool.putSync(request(8_000))).toBe(true);
  });

  test('never lists a half-written file, and clears one away when its writer is long gone', () => {
    const spool = newSpool();
    mkdirSync(spool.directory, { recursive: true });
    const [young, old] = ['1-000000-1-aa.otlp.tmp', '0-000000-1-bb.otlp.tmp'].map((name) =>
      join(spool.directory, name),
    );
    writeFileSync(young!, 'half');
    writeFileSync(old!, 'half');
    utimesSync(old!, 1, 1);
    expect(spool.list()).toEqual([]);
    expect(spool.bytes()).toBe(4_096);
    expect([existsSync(young!), existsSync(old!)]).toEqual([true, false]);
  });

  test('refuses, and leaves nothing behind, when the disk does', async (context) => {
    const disk = smallDisk(64 * 1024);
    if (disk === undefined) return context.skip('this user may not mount a file system of its own');
    const spool = new Spool(join(disk, 'spool'));
    expect([spool.putSync(request(100_000)), await spool.put(request(100_000))]).toEqual([false, false]);
    expect(spool.refusal).toMatchObject({ code: 'ENOSPC' });
    expect([readdirSync(spool.directory), spool.bytes()]).toEqual([[], 0]);
    remount(disk, 'ro');
    expect(await spool.put(request(1))).toBe(false);
    expect(spool.refusal).toMatchObject({ code: 'EROFS' });
  });
});
