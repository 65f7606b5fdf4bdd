import { describe, expect, it } from '@jest/globals';
import { errorRecordSchema } from '../../../../shared/contracts/errors.ts';
import { CATALOGUE, type ErrorCode } from '../../../../shared/errors/catalogue.ts';
import {
  errorRecord,
  type ErrorValues,
  FailbackError,
} from '../../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../../shared/errors/result.ts';

const CODES = Object.keys(CATALOGUE) as ErrorCode[];

describe('a failback error', () => {
  it('says its code and its words, with the values filled in', () => {
    const error = new FailbackError('FB-REQ-002', { kind: 'failback', id: 'fb-1' });
    expect(error.message).toBe('FB-REQ-002: There is no failback with the id fb-1.');
    expect(error.name).toBe('FailbackError');
    expect(error).toBeInstanceOf(Error);
  });

  it('keeps what caused it', () => {
    const cause = new Error('socket hang up');
    expect(new FailbackError('FB-AZ-002', {}, { cause }).cause).toBe(cause);
  });

  it.each([
    ['FB-AZ-002', true],
    ['FB-AZ-001', false],
  ] as const)('%s may pass by itself: %s', (code, isRetryable) => {
    expect(new FailbackError(code).isRetryable).toBe(isRetryable);
  });

  it('shows a name whose value is missing instead of hiding the hole', () => {
    expect(errorRecord('FB-REQ-002', { kind: 'job' }).message).toBe(
      'There is no job with the id {id}.',
    );
  });

  it('fills in text as it is: no pattern of a replacement, no inherited name', () => {
    const values: ErrorValues = { kind: '$& $1 {id}', id: 'x' };
    expect(errorRecord('FB-REQ-002', values).message).toBe('There is no $& $1 {id} with the id x.');
    const hostile = Object.create({ kind: 'inherited' }) as ErrorValues;
    expect(errorRecord('FB-REQ-002', hostile).message).toContain('{kind}');
  });

  it('fills in what to do as well', () => {
    const record = errorRecord('FB-PRE-040', { needed: 'Windows', actual: 'Linux' });
    expect(record.recommendedAction).toBe('Choose a master target of the OS family Windows.');
  });
});

describe('the wire form of an error', () => {
  it.each(CODES)('%s goes to another program and back unchanged', (code) => {
    const sent = new FailbackError(code, { text: 'x', count: 3, isIt: true }).toRecord();
    const received = errorRecordSchema.parse(JSON.parse(JSON.stringify(sent)));
    expect(received).toEqual(sent);
    expect(new FailbackError(received.code, received.values).toRecord()).toEqual(sent);
  });

  it('is the same whether it was thrown or made as a value', () => {
    const values = { kind: 'job', id: 'x' };
    expect(new FailbackError('FB-REQ-002', values).toRecord()).toEqual(
      errorRecord('FB-REQ-002', values),
    );
  });

  it('does not carry the stack or the cause, which may hold more than people should see', () => {
    const error = new FailbackError('FB-AZ-001', {}, { cause: new Error('sig=secret') });
    const text = JSON.stringify(error.toRecord());
    expect(text).not.toContain('sig=secret');
    expect(text).not.toContain('stack');
  });

  it.each([
    ['severity', { severity: 'fatal' }],
    ['category', { category: 'weather' }],
    ['message', { message: 7 }],
    ['possibleCauses.0', { possibleCauses: [1] }],
    ['isRetryable', { isRetryable: 'yes' }],
    ['values.disk', { values: { disk: { nested: true } } }],
  ])('is refused with the path when %s is not what it should be', (path, change) => {
    const record = { ...errorRecord('FB-ORC-005'), ...change };
    const { error } = errorRecordSchema.safeParse(record);
    expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual([path]);
  });
});

describe('a result', () => {
  it('is a value or an error, and JSON either way', () => {
    expect(JSON.parse(JSON.stringify(success(null)))).toEqual({ ok: true, value: null });
    const error = errorRecord('FB-ORC-005');
    expect(JSON.parse(JSON.stringify(failure(error)))).toEqual({ ok: false, error });
  });
});
