import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import type { Secret } from '../../shared/domain/secret.ts';

const CIPHER = 'aes-256-gcm';
const SALT_BYTES = 16;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Text that only those read who know the passphrase of the site; backups lie where others come as well. */
export function sealText(text: string, passphrase: Secret): string {
  const salt = randomBytes(SALT_BYTES);
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, keyOf(passphrase, salt), iv);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([salt, iv, cipher.getAuthTag(), sealed]).toString('base64');
}

/** `null` when it was sealed with another passphrase, or changed since. */
export function openText(sealed: string, passphrase: Secret): string | null {
  const bytes = Buffer.from(sealed, 'base64');
  const [salt, iv, tag, rest] = split(bytes);
  try {
    const decipher = createDecipheriv(CIPHER, keyOf(passphrase, salt), iv);
    decipher.setAuthTag(tag);
    return Buffer.concat([decipher.update(rest), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

function split(bytes: Buffer): readonly [Buffer, Buffer, Buffer, Buffer] {
  const ivAt = SALT_BYTES;
  const tagAt = ivAt + IV_BYTES;
  const textAt = tagAt + TAG_BYTES;
  return [
    bytes.subarray(0, ivAt),
    bytes.subarray(ivAt, tagAt),
    bytes.subarray(tagAt, textAt),
    bytes.subarray(textAt),
  ];
}

function keyOf(passphrase: Secret, salt: Buffer): Buffer {
  return scryptSync(passphrase.reveal(), salt, 32);
}
