export function rebuild(database?: string): Promise<Readonly<Record<string, string>>>;
