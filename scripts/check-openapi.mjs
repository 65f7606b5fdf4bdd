import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';

/** Says what is wrong with the OpenAPI document on standard input; ends with 1 when something is. */
const validator = new Validator();
const { valid, errors } = await validator.validate(JSON.parse(readFileSync(0, 'utf8')));
if (valid) validator.resolveRefs();
else console.error(JSON.stringify(errors, null, 2));
console.log(validator.version);
process.exitCode = valid ? 0 : 1;
