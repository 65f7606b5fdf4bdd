import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { redact, Secret } from '../../../../shared/domain/secret.ts';

const VALUE = 'c29tZS1rZXk-VERY-SECRET';

describe('a secret', () => {
  const secret = new Secret(VALUE);

  it('is told to whoever asks for it by name', () => {
    expect(secret.reveal()).toBe(VALUE);
  });

  it.each([
    ['a text', String(secret)],
    ['a template', `${secret.toString()} and ${[secret].join()}`],
    ['a sum of texts', ['', secret].join('x')],
    ['JSON', JSON.stringify({ secret, list: [secret] })],
    ['inspect', inspect({ deeply: { nested: { secret } } }, { depth: 9 })],
    [
      'inspect with everything switched on',
      inspect(secret, { showHidden: true, customInspect: false, getters: true }),
    ],
    ['its own keys', JSON.stringify(Reflect.ownKeys(secret))],
    ['a copy of its fields', inspect(Object.assign({}, secret), { showHidden: true })],
    ['Object.entries', JSON.stringify(Object.entries(secret))],
    ['structuredClone', inspect(structuredClone({ secret }), { showHidden: true })],
    ['an error that carries it', inspect(new Error('no', { cause: secret }))],
  ])('does not get out by %s', (_how, text) => {
    expect(text).not.toContain(VALUE);
    expect(text).not.toContain('VERY-SECRET');
  });

  it('shows a mask, so that people see that there is one', () => {
    expect(`${String(secret)} ${JSON.stringify(secret)} ${inspect(secret)}`).toBe(
      '[secret] "[secret]" [secret]',
    );
  });
});

describe('redact', () => {
  it.each([
    [
      'a SAS URL',
      'GET https://a.blob.core.windows.net/c/b.vhd?sv=2024-11-04&se=2026-03-01T00%3A00%3A00Z&sr=b&sp=r&sig=S3cr3t%2Bx%3D failed',
    ],
    ['a SAS with the signature first', 'https://a.example/c?sig=S3cr3t%3D&sv=2024'],
    ['a signature in capitals', 'https://a.example/c?SIG=S3cr3t%3D'],
    ['a function key in a URL', 'https://app.example/api/x?code=S3cr3t=='],
    [
      'a connection string',
      'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=S3cr3t==;EndpointSuffix=core.windows.net',
    ],
    [
      'a connection string with a SAS',
      'BlobEndpoint=https://a.example;SharedAccessSignature=sv=2024&sig=S3cr3t%3D;x=1',
    ],
    ['a password', 'Server=x;Password=S3cr3t;y=1'],
    ['a bearer token in a header', 'authorization: Bearer S3cr3t.abc-def_1'],
    ['a bearer token in a header object', '{"Authorization":"Bearer S3cr3t.abc"}'],
    ['a bearer token in an inspected object', "{ authorization: 'Bearer S3cr3t.abc' }"],
    ['a function key in a header', 'x-functions-key: S3cr3t'],
    ['the header of the identity endpoint', 'X-IDENTITY-HEADER=S3cr3t'],
    ['two on one line', 'https://a.example/?sig=S3cr3t https://b.example/?sig=S3cr3t'],
  ])('masks %s', (_what, text) => {
    const masked = redact(text);
    expect(masked).not.toContain('S3cr3t');
    expect(masked).toContain('[secret]');
  });

  it('leaves the rest of the text for people to read', () => {
    expect(redact('GET https://a.example/c/b.vhd?sv=2024&sig=abc&sp=r gave 403')).toBe(
      'GET https://a.example/c/b.vhd?sv=2024&sig=[secret]&sp=r gave 403',
    );
    expect(redact('The disk os has 512 bytes.')).toBe('The disk os has 512 bytes.');
  });

  it('never lets the signature of a URL through, wherever it stands in the text', () => {
    const value = fc
      .base64String({ minLength: 16, maxLength: 60 })
      .filter((text) => text.length >= 16)
      .map((text) => encodeURIComponent(text));
    const parameter = fc.tuple(
      fc.constantFrom('sv', 'se', 'sr', 'sp', 'comp', 'prevsnapshot', 'snapshot'),
      fc.stringMatching(/^[A-Za-z0-9:%.-]{0,30}$/),
    );
    const words = fc.stringMatching(/^[ A-Za-z0-9:;,'"(){}=&?/\n-]{0,40}$/);
    const text = fc.record({
      signature: value,
      before: fc.array(parameter, { maxLength: 4 }),
      after: fc.array(parameter, { maxLength: 4 }),
      prefix: words,
      suffix: fc.constantFrom('', ' ', '"', "'", '\n', ' failed', '" }'),
      name: fc.constantFrom('sig', 'SIG', 'Sig'),
    });
    fc.assert(
      fc.property(text, ({ signature, before, after, prefix, suffix, name }) => {
        const query = [...before, [name, signature] as const, ...after]
          .map(([key, given]) => `${key}=${given}`)
          .join('&');
        const line = `${prefix} https://a.blob.core.windows.net/c/b.vhd?${query}${suffix}`;
        expect(redact(line)).not.toContain(signature);
      }),
      { numRuns: 400, seed: 7 },
    );
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (text) => {
        const once = redact(`${text} https://a.example/?sig=abc&x=1 authorization: Bearer abc`);
        expect(redact(once)).toBe(once);
      }),
      { numRuns: 200, seed: 8 },
    );
  });
});

describe('texts of libraries', () => {
  it.each([
    ['a bearer token', 'the token was Bearer eyJabc.S3cr3t'],
    ['a header of ours', 'x-registration-token: S3cr3t'],
    ['a SAS inside XML', 'https://a.example/?sv=1&amp;sig=S3cr3t'],
    ['a key in JSON', '{"agentKey":"S3cr3t"}'],
    ['a URL inside a URL', 'x-ms-copy-source: https%3A%2F%2Fa%3Fsv%3D1%26sig%3DS3cr3t'],
  ])('lose %s', (_name, text) => {
    expect(redact(text)).not.toContain('S3cr3t');
  });
});
