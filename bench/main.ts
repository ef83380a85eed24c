/**
 * `npm run bench`: speed and memory on this machine. `npm run bench -- aws`: what the archive asks of AWS, how fast its
 * functions start, and what that costs.
 */
if (process.argv[2] === 'aws') await import('./aws/main.ts')
else await import('./growth.ts')
