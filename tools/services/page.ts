import type { Stats } from './stats.ts';

/** The page at `/`: complete as it is sent, and kept up to date by a script that asks for /stats.json. */
export function page(stats: Stats): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(stats.name)}</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1b2a33 }
  table { border-collapse: collapse; width: 100%; font: 13px/1.6 ui-monospace, monospace }
  th, td { text-align: left; padding: 0 .8rem 0 0; border-bottom: 1px solid #dde4e8 }
  h1 { font-weight: 500 } h2 { font-size: 1.1rem; margin-top: 2rem }
  #counters { columns: 3; font: 13px/1.6 ui-monospace, monospace; list-style: none; padding: 0 }
</style>
<h1>${escapeHtml(stats.name)}</h1>
<p>Every packet of this page went through a TCP/IP stack written in TypeScript, in user space.
  Up for <span id="uptime">${stats.uptimeSeconds}</span> s.
  More: <a href="/stats.json">/stats.json</a>, <a href="/bytes/1000000">/bytes/N</a> (N octets).</p>
<h2>Sockets</h2>
<table>
  <thead><tr><th>protocol<th>state<th>local<th>remote<th>to read<th>to send<th>cwnd<th>RTT, ms</thead>
  <tbody id="sockets">${stats.sockets.map((row) => `<tr>${cellsOf(row)}`).join('\n')}</tbody>
</table>
<h2>Counters</h2>
<ul id="counters">${linesOf(stats.counters)
    .map((line) => `<li>${escapeHtml(line)}`)
    .join('\n')}</ul>
<script>
  const columns = ['protocol', 'state', 'local', 'remote', 'receiveQueue', 'sendQueue', 'cwnd', 'srttMs'];
  const show = (id, tag, items) => document.getElementById(id).replaceChildren(...items.map((texts) => {
    const element = document.createElement(tag);
    if (tag === 'li') element.textContent = texts;
    else for (const text of texts) element.insertCell().textContent = text;
    return element;
  }));
  setInterval(async () => {
    const stats = await (await fetch('/stats.json')).json();
    document.getElementById('uptime').textContent = stats.uptimeSeconds;
    show('sockets', 'tr', stats.sockets.map((row) => columns.map((name) => row[name] ?? '')));
    const { drops, ...counters } = stats.counters;
    show('counters', 'li', Object.entries({ ...counters, ...drops }).map(([name, count]) => name + ' ' + count));
  }, 1000);
</script>
</html>
`;
}

function cellsOf(row: Stats['sockets'][number]): string {
  const { protocol, state, local, remote, receiveQueue, sendQueue, cwnd = '', srttMs = '' } = row;
  const cells = [protocol, state, local, remote, receiveQueue, sendQueue, cwnd, srttMs];
  return cells.map((cell) => `<td>${escapeHtml(String(cell))}`).join('');
}

function linesOf({ drops, ...counters }: Stats['counters']): string[] {
  return Object.entries({ ...counters, ...(drops as object) }).map(([name, count]) => `${name} ${count}`);
}

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
