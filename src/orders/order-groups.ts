import { type WorkingOrder, isOpen } from './working-order.js';

/**
 * The orders that live and die together: a bracket's entry with its take-profit and stop-loss, an
 * oco's pair, an oto's two. Only their open members are of interest.
 */
export class OrderGroups {
  private readonly members = new Map<string, WorkingOrder[]>();

  /**
   * @param load  reads the open orders of groups
   * @param adopt gives each the one object that the pass works with
   */
  constructor(
    private readonly load: (groupIds: string[]) => Promise<WorkingOrder[]>,
    private readonly adopt: (order: WorkingOrder) => WorkingOrder,
  ) {}

  /** Reads the groups of orders that the pass may touch; most orders have none. */
  async read(orders: Iterable<WorkingOrder>): Promise<void> {
    const missing = new Set<string>();
    for (const { groupId } of orders) {
      if (groupId !== null && !this.members.has(groupId)) missing.add(groupId);
    }
    if (missing.size === 0) return;
    for (const groupId of missing) this.members.set(groupId, []);
    for (const member of await this.load([...missing])) {
      this.members.get(member.groupId!)!.push(this.adopt(member));
    }
  }

  /** The other open orders of its group. */
  others(order: WorkingOrder): WorkingOrder[] {
    if (order.groupId === null) return [];
    const members = this.members.get(order.groupId) ?? [];
    return members.filter((one) => one !== order && isOpen(one));
  }

  other(order: WorkingOrder, leg: WorkingOrder['leg']): WorkingOrder | undefined {
    return this.others(order).find((one) => one.leg === leg);
  }

  /** A replacement belongs to the group of what it replaces. */
  add(order: WorkingOrder): void {
    if (order.groupId !== null) this.members.get(order.groupId)?.push(order);
  }
}
