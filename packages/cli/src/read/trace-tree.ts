/** Entries as a tree: spans below their parent spans, child flows below the flow that they belong to. */
import type { Flow } from './select-trace.js';
import type { SpanEntry } from './span-entry.js';

/** A line of the tree: a span, or the heading of a flow. */
export interface TreeLine {
  /** What stands before it: `│  ├─ `. */
  readonly prefix: string;
  readonly entry: SpanEntry | undefined;
  /** Of a heading. */
  readonly flowId: string | undefined;
}

interface Node {
  readonly entry: SpanEntry | undefined;
  readonly flowId: string | undefined;
  readonly children: Node[];
}

/** Deeper levels are drawn at this one: lines must not grow with the depth that a span claims. */
const DEEPEST_DRAWN = 24;

/** The lines of a flow, heading first. Spans whose parent is not there stand at the top, in order of start. */
export function treeLines(root: Flow): TreeLine[] {
  const lines: TreeLine[] = [{ prefix: '', entry: undefined, flowId: root.id }];
  type Open = { readonly node: Node; readonly indent: string; readonly depth: number; readonly isLast: boolean };
  const stack: Open[] = [];
  const open = (nodes: readonly Node[], indent: string, depth: number): void => {
    for (let i = nodes.length - 1; i >= 0; i--)
      stack.push({ node: nodes[i]!, indent, depth, isLast: i === nodes.length - 1 });
  };
  open(nodeOfFlow(root).children, '', 0);
  // A loop, not recursion: a chain of parents may be longer than the stack is deep.
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { node, indent, depth, isLast } = next;
    lines.push({ prefix: `${indent}${isLast ? '└─ ' : '├─ '}`, entry: node.entry, flowId: node.flowId });
    open(node.children, depth < DEEPEST_DRAWN ? `${indent}${isLast ? '   ' : '│  '}` : indent, depth + 1);
  }
  return lines;
}

function nodeOfFlow(root: Flow): Node {
  const top: Node = { entry: undefined, flowId: root.id, children: spanNodes(root.entries) };
  for (const queue: [Flow, Node][] = [[root, top]]; queue.length > 0; ) {
    const [flow, node] = queue.shift()!;
    for (const child of flow.children) {
      const childNode: Node = { entry: undefined, flowId: child.id, children: spanNodes(child.entries) };
      node.children.push(childNode);
      queue.push([child, childNode]);
    }
  }
  return top;
}

/** The top nodes of a flow's spans; each span is in the tree once, also where parents form a circle. */
function spanNodes(entries: readonly SpanEntry[]): Node[] {
  const nodes = entries.map((entry): Node => ({ entry, flowId: undefined, children: [] }));
  const bySpan = new Map<string, Node>();
  for (const node of nodes) {
    const key = keyOf(node.entry!.traceId, node.entry!.spanId);
    if (!bySpan.has(key)) bySpan.set(key, node);
  }
  const parentOf = new Map<Node, Node>();
  for (const node of nodes) {
    const { traceId, parentSpanId } = node.entry!;
    const parent = parentSpanId === undefined ? undefined : bySpan.get(keyOf(traceId, parentSpanId));
    if (parent !== undefined && parent !== node) parentOf.set(node, parent);
  }
  breakCircles(nodes, parentOf);
  for (const node of nodes) parentOf.get(node)?.children.push(node);
  return nodes.filter((node) => !parentOf.has(node));
}

/** Takes the parent from the first node of each circle. */
function breakCircles(nodes: readonly Node[], parentOf: Map<Node, Node>): void {
  const reachesTop = new Set<Node>();
  for (const start of nodes) {
    const path = new Set<Node>();
    let node: Node | undefined = start;
    while (node !== undefined && !reachesTop.has(node) && !path.has(node)) {
      path.add(node);
      node = parentOf.get(node);
    }
    if (node !== undefined && path.has(node)) parentOf.delete(node);
    for (const passed of path) reachesTop.add(passed);
  }
}

function keyOf(traceId: string, spanId: string): string {
  return traceId + spanId;
}
