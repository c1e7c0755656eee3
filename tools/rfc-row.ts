/** A row of rfc-rows.ts. The last member tells why an optional one is left out. */
export type Row = readonly [id: string, section: string, priority: 0 | 1 | 2, text: string, leftOut?: string];
