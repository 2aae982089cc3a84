/* The protocol between agents and the account, for spin: who may spend which unit, who is charged, and what
   survives loss, repetition, late messages, crashes, copied disks and a restored account. run.py has the list of
   configurations (-D flags), each small enough to be searched to its end, and of the broken variants (-DBREAK_...),
   each without one safety measure.

   WHAT IS MODELLED
   network     For each agent two messages each way are under way, the newest and one that is older. A message may be
               lost, may arrive any number of times, and an old request may arrive, and be answered, after newer ones.
   account     P = A + C + D + E + sum(G - U - R) by tranche; the largest U and R seen; sessions; tickets; custody.
   agent       g, u, r by tranche; t, the ticks of the unit in progress; ov, units completed without a slot.
   CRASH       memory and disk apart: what isn't committed is lost, and a commit that failed may have survived. Reports
               carry an identity and are repeated until they are acknowledged.
   FORK        disk 1 is a copy of disk 0, made at any moment; disk 0 goes on (a clone) or is lost at any moment (a
               backup that was put back). Incarnations, fences, and what an agent carries into the next incarnation.
   BACKUP      the account is put back to an earlier state: epoch, learning. WRITE_OFF: an agent is given up meanwhile.
   NT=2        two tiers; the first tranche ends, by each clock at another moment. REFRESH: the second begins then.
   REPORTS     usage that no slot covers is reported all the same. NEED: the account leases what is needed, once.
   TICKETS     sessions that wait for a unit, the order in which they are served, and units given back on recall.
   RETIRE      an agent hands its remainder over, with its slot; remainders add up at the account.

   WHAT MUST HOLD: the list of claims below, after every step. And from every state that can be reached: once faults
   stop, four exchanges of each agent later everything is settled (calm): seen = real, each tick is owned exactly once,
   and nobody waits while there is a unit to be had. That last step stands for I4 and for progress: there is no state
   in which work remains and nothing can happen.

   WHAT IS ABSTRACTED, AND WHY THAT IS SOUND
   Totals      Counters are sent whole, so that messages between the two that are kept are covered by the newer one.
               Whatever order they come in leads to the same totals (I9): the settled state is compared in each.
   Numbers     A request's number and the journal's head serve to tell older from newer, so a message carries just
               that: `old` is set in what was sent before the newest that was taken up. A restored account forgets it.
   Sessions    A session id or nonce that is no longer the current one leads to a refusal without effect, so such a
               message is removed when the session changes. Variants that don't check keep it.
   Hello       Its request may come late or again like any other. Its answer comes at once or never: between the two an
               agent takes up nothing from the account, and what it meters meanwhile it may as well have metered later.
   Sizing      But for NEED, the account grants to anyone at any time: all that sizing could decide is among it.
   Recall      But for TICKETS, agents give back what they don't use at any time.
   Time        No clock but the two that end a tranche, each at any moment: no other expiry moves units (I15).
   Chain       The hash chain (I19) is `pos`: on the common part, on disk 0's own, on disk 1's own. One copy is made; a
               machine's memory that is put back while it runs is not a start, and is left out.
   Commits     The account's transaction is one step: a lease leaves after it (I8). Two tranches, one resource and two
               or three agents: rules name at most two parties, an agent and the pool or an agent and its copy.

   NOT HERE: signatures and keys, usage rows, tokens, open payg, returnable capacity (I20, I21, I22). */

#ifndef NA
#define NA 2                 /* disks that hold an agent's state */
#endif
#ifndef NT
#define NT 1                 /* tranches, in draw order: 0, then 1 */
#endif
#ifndef PA
#define PA 2                 /* units bought, tranche 0 */
#endif
#ifndef PB
#define PB 0                 /* units bought, tranche 1 */
#endif
#ifndef UT
#define UT 2                 /* ticks of usage in a unit */
#endif
#ifndef MAXM
#define MAXM 4               /* ticks that run at most, over all disks */
#endif
#ifndef MAXR
#define MAXR 0               /* units given back at most */
#endif
#ifndef MAXW
#define MAXW 0               /* sessions that wait for a unit at most */
#endif
#ifndef EVENTS
#define EVENTS 3             /* reports of a product */
#endif

#ifdef FORK                  /* disk 1 is a copy of disk 0: one agent as the account sees it */
#define NG 1
#define ID(d) 0
#define LIVE(d) (d == 0 && !off || d == 1 && copied)
#define MAXI 3               /* the last incarnation: a fence beyond it waits for an operator */
#else
#define NG NA
#define ID(d) (d)
#define LIVE(d) 1
#endif
#if defined(FORK) || defined(BACKUP)
#define HELLO
#endif
#ifdef TICKETS
#define NEED
#endif

/* The invariants of the protocol by number; the number is in the message of an assertion that fails. */
#define CLAIM(i, x) assert((x) || (i) == 0)
#ifdef HARM                  /* leaves out what warns early: a broken variant has to do its harm */
#define WARN(i, x) skip
#else
#define WARN(i, x) CLAIM(i, x)
#endif
#define I1 1                 /* P = A + C + D + X + sum(G - U - R), every term at least 0 */
#define I2 2                 /* slots really used <= P, charged <= P */
#define I3 3                 /* seen U <= U <= G - R, charged <= used */
#define I4 4                 /* once faults stop: seen = real */
#define I5 5                 /* M = unit x (U + overage units) + q; overage only where no slot is */
#define I6 6                 /* a session's unit is reserved before it runs */
#define I7 7                 /* counters never fall within an incarnation */
#define I8 8                 /* what is acknowledged is on the disk */
#define I10 10               /* an event's identity counts once */
#define I11 11               /* draw order */
#define I12 12               /* nothing is drawn from a tranche outside its validity */
#define I13 13               /* G rises only through a lease that fits */
#define I14 14               /* one live incarnation, and no agent loses its own without reason */
#define I17 17               /* every tick has one owner, so that none is charged twice or lost */
#define I18 18               /* no ticket is overtaken */
#define ONCE 101             /* a unit of overage is covered once */
#define PROGRESS 102         /* where work waits there is nothing left that could be had */

#define X(d, t) ((d) * NT + (t))
#define MIN(a, b) ((a) < (b) -> (a) : (b))
#define MAX(a, b) ((a) > (b) -> (a) : (b))

/* ---- messages: up[d].k[0] is the newest that is still under way, k[1] an older one --------------------- */
typedef Up {
    bit on, old;             /* old: the account has taken up one with a higher number */
    byte u[NT], r[NT], t, ov;
#if NT == 2
    byte early;              /* units of tranche 1 completed while tranche 0 was valid: U by the hour */
#endif
#ifdef NEED
    byte need;
#endif
#ifdef TICKETS
    bit wait;                /* ghost: said for the wait that still lasts */
#endif
#ifdef HELLO
    bit hello, stale;        /* stale: its sender has stopped listening for the answer */
    byte g[NT];
#endif
#ifdef FORK
    byte inc, pos;
#endif
#ifdef RETIRE
    bit retire;
#endif
}
typedef Down { bit on; byte g[NT]; }
typedef Ups { Up k[2] }
typedef Downs { Down k[2] }
Ups up[NA];
Downs down[NA];

/* ---- the account, on its disk --------------------------------------------------------------------------- */
short A[NT];
byte C[NT], D[NT], E[NT];                        /* charged, in doubt, expired unsold (X of I1) */
byte G[NG * NT], US[NG * NT], RS[NG * NT];       /* granted, and the largest U and R seen */
byte TS[NG], OVS[NG];                            /* remainder and overage seen */
byte cust, custov, custs;                        /* custody: remainder, overage, slots that came along */
#if NT == 2
byte ES[NG];                                     /* the largest `early` seen */
bit aend;                                        /* tranche 0 has ended, by the account's clock */
#endif
#ifdef HELLO
byte owner[NG];                                  /* the disk that holds the agent's session; NA: none */
#endif
#ifdef FORK
byte ainc, ackpos[MAXI + 1], ackm[MAXI + 1], acku[MAXI + 1];  /* by incarnation: head, and M and U there */
#endif
#ifdef BACKUP
bit learn[NG], backed, restored, lost[NG];   /* lost: written off while its word was awaited */
byte over;               /* ghost: leased after the backup to agents that were written off */
short bA; byte bC, bG[NG], bUS[NG], bRS[NG];
#endif
#ifdef RETIRE
bit ret[NG];
#endif
#ifdef TICKETS
byte line[2 * NG];       /* tickets: 1 is the oldest, 0 none; ghost: waits, as they were heard of */
#define TICKET(x) line[x]
#define CAME(x) line[NG + (x)]
byte waits;
#endif

/* ---- agents, on their disks ----------------------------------------------------------------------------- */
byte g[NA * NT], u[NA * NT], r[NA * NT], t[NA], ov[NA];
#if NT == 2
byte early[NA];
bit dend[NA];                                    /* tranche 0 has ended, by this agent's clock */
#endif
#ifdef HELLO
bit ses[NA];                                     /* the answer to the last hello was heard */
#endif
#ifdef FORK
byte inc[NA], pos[NA];   /* pos: 0 before the copy was made, then 1 on disk 0 and 2 on disk 1 */
bit copied, off, blocked[NA];
byte fm, fu;             /* M and U when the copy was made */
byte big;                /* ghost: the largest lease on either disk since */
#endif
#ifdef RETIRE
byte st[NA];             /* 0 at work, 1 draining, 2 has its receipt */
#endif
#ifdef TICKETS
bit wait[NA];
#endif

/* ---- ghosts: what really happened ----------------------------------------------------------------------- */
byte m[NA];              /* ticks that ran on a disk (FORK: since the copy, before that on disk 0) */
byte used[NT];           /* slots taken for completed units, on all disks */
byte ticks, nret;
short n, w; byte a, d, i, k;  /* scratch, 0 between steps */
#ifdef CRASH
byte kg, ku, kr, kt, kov, kids;  /* what is on the disk; g, u, t, ov and ids are in memory */
byte ids, acked;             /* events taken, and acknowledged to the product */
#endif

/* ---- words ---------------------------------------------------------------------------------------------- */
#define OUT(x, y) (G[X(x, y)] - US[X(x, y)] - RS[X(x, y)])
#define LEFT(x, y) (g[X(x, y)] - u[X(x, y)] - r[X(x, y)])
#if NT == 2
#ifdef REFRESH                                   /* tranche 1 begins when tranche 0 ends */
#define VALID(x, y) ((y) == 0 -> !dend[x] : dend[x])
#define AVALID(y) ((y) == 0 -> !aend : aend)
#else
#define VALID(x, y) ((y) == 1 || !dend[x])
#define AVALID(y) ((y) == 1 || !aend)
#endif
#define SLOTS(x) ((VALID(x, 0) -> LEFT(x, 0) : 0) + (VALID(x, 1) -> LEFT(x, 1) : 0))
#define HELD(x) ((AVALID(0) -> OUT(x, 0) : 0) + (AVALID(1) -> OUT(x, 1) : 0))
#define POOL ((AVALID(0) -> A[0] : 0) + (AVALID(1) -> A[1] : 0))
#define ALLU(x) (u[X(x, 0)] + u[X(x, 1)])
#define CALL (C[0] + C[1])
#else
#define VALID(x, y) 1
#define AVALID(y) 1
#define SLOTS(x) LEFT(x, 0)
#define HELD(x) OUT(x, 0)
#define POOL A[0]
#define ALLU(x) u[x]
#define CALL C[0]
#endif
#define FREE(x) (SLOTS(x) - (t[x] > 0))          /* what isn't held by the unit in progress */
#define M(x) (UT * (ALLU(x) + ov[x]) + t[x])

#ifdef TICKETS
#define NEEDS(x) (ov[x] + (wait[x] && FREE(x) <= 0))
#else
#define NEEDS(x) ov[x]
#endif
#if defined(CRASH) && !defined(BREAK_SENT_BEFORE_COMMIT)
#define SENT_T(x) kt
#define SENT_OV(x) kov
#define SENT_U(x) ku
#define SENT_R(x) kr
#else
#define SENT_T(x) t[x]
#define SENT_OV(x) ov[x]
#define SENT_U(x) u[X(x, 0)]
#define SENT_R(x) r[X(x, 0)]
#endif
#ifdef FORK
/* What must be accounted for: all that ran on a disk that still runs; of a lost one what the account heard. */
#define REAL ((copied -> fm + m[1] + (!off -> m[0] - fm : (ackpos[0] == 1 -> MAX(ackm[0] - fm, 0) : 0)) : m[0]))
#endif
#ifdef HELLO
#define MAY(x) (LIVE(x) && ses[x])
#else
#define MAY(x) LIVE(x)
#endif
#ifdef RETIRE
#define WORKS(x) (st[x] == 0)
#elif defined(CRASH)
#define WORKS(x) 0           /* reports come with their identity instead */
#else
#define WORKS(x) LIVE(x)
#endif
#ifdef RETIRE
#define WORKS_OR_CRASH (st[d] == 0)
#else
#define WORKS_OR_CRASH 1
#endif
#ifdef CRASH
#define RETURNS(x) 1
#else
#define RETURNS(x) WORKS(x)
#endif
#ifdef ONE                   /* one message each way is under way at most */
#define KEEP 0
#else
#define KEEP 1
#endif
#ifdef FORK
#define WRITTEN(x) if :: x == 0 && copied && pos[0] == 0 -> pos[0] = 1 :: else fi
#define UNLOCKED(x) !blocked[x]
#else
#define WRITTEN(x) skip
#define UNLOCKED(x) 1
#endif
#ifdef BREAK_RESERVE_FIRST
#define RESERVE (A[0] > 0)
#else                        /* a reserve is given as long as nobody waits */
#define RESERVE (A[0] > 0 && TICKET(0) + TICKET(NG - 1) + TICKET(NG / 2) == 0)
#endif
#ifdef RETIRE
#define GONE(x) (st[x] == 2)
#elif defined(BACKUP)
#define GONE(x) lost[x]
#else
#define GONE(x) 0
#endif
#ifdef BACKUP
#define ANY_LOST (lost[0] || lost[1])
#else
#define ANY_LOST 0
#endif
#ifdef BACKUP
#define LEARNING (learn[0] || learn[1])
#else
#define LEARNING 0
#endif
#ifdef RETIRE
#define RETIRED(x) ret[x]
#else
#define RETIRED(x) 0
#endif
#ifdef HELLO
#define SESSION(x) (owner[ID(x)] == x)
#else
#define SESSION(x) 1
#endif
#ifdef HELLO
#define SYNC(x, k_) (up[x].k[k_].on && !up[x].k[k_].hello)
#elif defined(RETIRE)
#define SYNC(x, k_) (up[x].k[k_].on && (!ret[x] || up[x].k[k_].retire))
#else
#define SYNC(x, k_) up[x].k[k_].on
#endif
#if NG > 1
#define SUM(y) (OUT(0, y) + OUT(1, y) + OUTS(y))
#else
#define SUM(y) OUT(0, y)
#endif
#if NG > 2
#define OUTS(y) OUT(2, y)
#else
#define OUTS(y) 0
#endif

/* ---- what an agent does by itself ------------------------------------------------------------------------ */
inline complete(x) {         /* a unit's last tick has run: it takes a slot, in draw order */
    if
#ifdef BREAK_DRAW_ORDER
    :: NT == 2 && VALID(x, 1) && LEFT(x, 1) > 0 -> take_slot(x, NT - 1)
    :: else -> if :: VALID(x, 0) && LEFT(x, 0) > 0 -> take_slot(x, 0) :: else -> no_slot(x) fi
#else
    :: VALID(x, 0) && LEFT(x, 0) > 0 -> take_slot(x, 0)
#if NT == 2
    :: !(VALID(x, 0) && LEFT(x, 0) > 0) && VALID(x, 1) && LEFT(x, 1) > 0 -> take_slot(x, 1)
#endif
    :: else -> no_slot(x)
#endif
    fi
}
inline take_slot(x, y) {
    CLAIM(I12, VALID(x, y));
    CLAIM(I11, y == 0 || !VALID(x, 0) || LEFT(x, 0) == 0);
    u[X(x, y)]++; used[y]++;
#if NT == 2
    if :: y == 1 && !dend[x] -> early[x]++ :: else fi
#endif
}
inline no_slot(x) {
    ov[x]++
}
inline tick(x) {
    m[x]++; ticks++; t[x]++;
    if :: t[x] == UT -> t[x] = 0; complete(x) :: else fi
}
inline cover(x) {            /* overage takes the slots that come */
    do
    :: ov[x] > 0 && SLOTS(x) > 0 -> ov[x]--;
        if :: VALID(x, 0) && LEFT(x, 0) > 0 -> take_slot(x, 0)
#if NT == 2
        :: else -> take_slot(x, 1)
#endif
        fi
    :: else -> break
    od
}
inline give_back(x, y) { r[X(x, y)]++; nret++ }
inline take_lease(x, k_) {   /* totals: the larger counts */
#ifdef BREAK_LEASE_ADDED
    g[X(x, 0)] = g[X(x, 0)] + down[x].k[k_].g[0];
#else
    g[X(x, 0)] = MAX(g[X(x, 0)], down[x].k[k_].g[0]);
#endif
#if NT == 2
    g[X(x, 1)] = MAX(g[X(x, 1)], down[x].k[k_].g[1]);
#endif
    cover(x);
#ifdef TICKETS
    if :: wait[x] && FREE(x) > 0 -> wait[x] = 0; tick(x) :: else fi    /* the session that waited begins */
#endif
}

/* ---- messages -------------------------------------------------------------------------------------------- */
inline zero_up(x, k_) {
    up[x].k[k_].on = 0; up[x].k[k_].old = 0; up[x].k[k_].t = 0; up[x].k[k_].ov = 0;
    up[x].k[k_].u[0] = 0; up[x].k[k_].r[0] = 0;
#if NT == 2
    up[x].k[k_].u[1] = 0; up[x].k[k_].r[1] = 0; up[x].k[k_].early = 0;
#endif
#ifdef NEED
    up[x].k[k_].need = 0;
#endif
#ifdef HELLO
    up[x].k[k_].hello = 0; up[x].k[k_].stale = 0; up[x].k[k_].g[0] = 0;
#endif
#ifdef FORK
    up[x].k[k_].inc = 0; up[x].k[k_].pos = 0;
#endif
#ifdef RETIRE
    up[x].k[k_].retire = 0;
#endif
}
inline older_up(x) {         /* the newest message stays under way beside the one that is sent now */
    up[x].k[1].on = up[x].k[0].on; up[x].k[1].old = up[x].k[0].old;
    up[x].k[1].t = up[x].k[0].t; up[x].k[1].ov = up[x].k[0].ov;
    up[x].k[1].u[0] = up[x].k[0].u[0]; up[x].k[1].r[0] = up[x].k[0].r[0];
#if NT == 2
    up[x].k[1].u[1] = up[x].k[0].u[1]; up[x].k[1].r[1] = up[x].k[0].r[1]; up[x].k[1].early = up[x].k[0].early;
#endif
#ifdef NEED
    up[x].k[1].need = up[x].k[0].need;
#endif
#ifdef HELLO
    up[x].k[1].hello = up[x].k[0].hello; up[x].k[1].stale = up[x].k[0].stale; up[x].k[1].g[0] = up[x].k[0].g[0];
#endif
#ifdef FORK
    up[x].k[1].inc = up[x].k[0].inc; up[x].k[1].pos = up[x].k[0].pos;
#endif
#ifdef RETIRE
    up[x].k[1].retire = up[x].k[0].retire;
#endif
}
inline say(x) {              /* what is on the disk goes, all of it totals */
    zero_up(x, 0);
    up[x].k[0].on = 1;
    up[x].k[0].t = SENT_T(x); up[x].k[0].ov = SENT_OV(x);
    up[x].k[0].u[0] = SENT_U(x); up[x].k[0].r[0] = SENT_R(x);
#if NT == 2
    up[x].k[0].u[1] = u[X(x, 1)]; up[x].k[0].r[1] = r[X(x, 1)]; up[x].k[0].early = early[x];
#endif
#ifdef NEED
    up[x].k[0].need = NEEDS(x);
#endif
#ifdef FORK
    up[x].k[0].inc = inc[x]; up[x].k[0].pos = pos[x];
#endif
}
#ifdef HELLO
inline say_hello(x) {        /* a new nonce: no lease or answer of before fits any more */
    say(x);
    up[x].k[0].hello = 1; up[x].k[0].g[0] = g[X(x, 0)];
    up[x].k[1].stale = up[x].k[1].hello;
    ses[x] = 0;
#ifndef BREAK_NONCE
    zero_down(x)
#endif
}
#endif
inline zero_down(x) {
    down[x].k[0].on = 0; down[x].k[0].g[0] = 0; down[x].k[1].on = 0; down[x].k[1].g[0] = 0;
#if NT == 2
    down[x].k[0].g[1] = 0; down[x].k[1].g[1] = 0
#endif
}
inline older_down(x) {
    down[x].k[1].on = down[x].k[0].on; down[x].k[1].g[0] = down[x].k[0].g[0];
#if NT == 2
    down[x].k[1].g[1] = down[x].k[0].g[1]
#endif
}
inline send_lease(x) {
    down[x].k[0].on = 1; down[x].k[0].g[0] = G[X(ID(x), 0)];
#if NT == 2
    down[x].k[0].g[1] = G[X(ID(x), 1)]
#endif
}

/* ---- what the account does with a message ---------------------------------------------------------------- */
inline charge(a_, y, n_) {   /* n_ units that took slots of tranche y */
#if NT == 2
    if
    :: y == 1 ->             /* first to the earlier tier, where it has an unleased unit and was valid then */
        k = MIN(n_, MIN(MAX(up[d].k[i].early - ES[a_], 0), (aend -> 0 : A[0])));
        A[0] = A[0] - k; C[0] = C[0] + k; A[1] = A[1] + k; C[1] = C[1] + n_ - k;
        used[0] = used[0] + k; used[1] = used[1] - k; k = 0;
        ES[a_] = MAX(ES[a_], up[d].k[i].early)
    :: else -> C[0] = C[0] + n_
    fi
#else
    C[0] = C[0] + n_
#endif
}
inline join(a_, y) {         /* message up[d].k[i]: the largest U and R count */
#ifdef BREAK_PER_MESSAGE
    n = up[d].k[i].u[y];
#else
    n = MAX(up[d].k[i].u[y] - US[X(a_, y)], 0);
#endif
    US[X(a_, y)] = US[X(a_, y)] + n; charge(a_, y, n);
    n = MAX(up[d].k[i].r[y] - RS[X(a_, y)], 0);
    RS[X(a_, y)] = RS[X(a_, y)] + n;
    if :: AVALID(y) || y == 1 -> A[y] = A[y] + n :: else -> E[y] = E[y] + n fi;
    n = 0;
    WARN(I3, US[X(a_, y)] + RS[X(a_, y)] <= G[X(a_, y)])        /* else an honest agent would be refused */
}
inline join_all(a_) {
#ifndef BREAK_NUMBER
    if :: !up[d].k[i].old ->
#else
    if :: true ->
#endif
        WARN(I7, up[d].k[i].u[0] >= US[X(a_, 0)] && up[d].k[i].r[0] >= RS[X(a_, 0)]);
        TS[a_] = up[d].k[i].t; OVS[a_] = up[d].k[i].ov
    :: else fi;
    join(a_, 0);
#if NT == 2
    join(a_, 1);
#endif
}
inline seen(k_) {            /* from now on it and those sent before it are old */
    up[d].k[k_].old = 1; up[d].k[1].old = up[d].k[1].on
}
inline lease_out(a_, n_) {   /* n_ units, in draw order */
    n = MIN(n_, (AVALID(0) -> A[0] : 0));
    A[0] = A[0] - n; G[X(a_, 0)] = G[X(a_, 0)] + n;
#if NT == 2
    n = MIN(n_ - n, (AVALID(1) -> A[1] : 0));
    A[1] = A[1] - n; G[X(a_, 1)] = G[X(a_, 1)] + n;
#endif
    n = 0
}
inline settle_custody() {    /* remainders add up; a unit takes a slot that came along, or one of the pool */
    do
    :: cust >= UT -> cust = cust - UT;
        if :: custs > 0 -> custs--; C[0] = C[0] + 1 :: else -> custov++ fi
    :: cust < UT && custs > (cust > 0) -> custs--; A[0] = A[0] + 1
    :: cust < UT && custs <= (cust > 0) && custov > 0 && A[0] > 0 -> custov--; A[0] = A[0] - 1; C[0] = C[0] + 1
    :: else -> break
    od
}
#ifdef TICKETS
inline drop(o, a_) {      /* out of a line of ranks */
    k = 0;
    do
    :: k < NG -> if :: line[o + a_] > 0 && line[o + k] > line[o + a_] -> line[o + k]-- :: else fi; k++
    :: else -> break
    od;
    line[o + a_] = 0; k = 0
}
inline append(o, a_) {
    k = 0; n = 0;
    do :: k < NG -> n = MAX(n, line[o + k]); k++ :: else -> break od;
    line[o + a_] = n + 1; n = 0; k = 0
}
inline serve(a_) {           /* first come, first served; scratch w: what is asked for and not yet leased */
    if
    :: w == 0 -> if :: TICKET(a_) > 0 -> drop(0, a_) :: else fi
    :: else ->
        if :: TICKET(a_) == 0 -> append(0, a_) :: else fi;
#ifdef BREAK_OVERTAKE
        if :: POOL > 0 ->
#else
        if :: POOL > 0 && TICKET(a_) == 1 ->
#endif
            in_turn(a_); lease_out(a_, w); drop(0, a_)        /* w is 1: a wait is for one unit */
        :: else fi
    fi
}
inline in_turn(a_) {         /* I18: whoever came before has been served */
    k = 0;
    do
    :: k < NG -> CLAIM(I18, k == a_ || CAME(k) == 0 || CAME(a_) > 0 && CAME(a_) < CAME(k)); k++
    :: else -> break
    od;
    k = 0
}
#endif
#ifdef RETIRE
inline hand_over(a_) {       /* final counters; the remainder comes with its slot, all else is free */
    w = up[d].k[i].t;
#ifdef BREAK_HANDOVER_TWICE
    if :: true ->
#else
    if :: !ret[a_] ->
#endif
        cust = cust + w; custov = custov + up[d].k[i].ov;
        n = OUT(a_, 0);
        RS[a_] = RS[a_] + n;
        if :: w > 0 && n > 0 -> custs++; n-- :: else fi;
        A[0] = A[0] + n; n = 0; w = 0; TS[a_] = 0; OVS[a_] = 0; ret[a_] = 1;
        settle_custody()
    :: else fi;
    w = 0
}
#endif
inline sync() {              /* the account takes up[d].k[i], a sync in the session of its sender */
    if :: !RETIRED(ID(d)) -> join_all(ID(d)) :: else fi;
#ifdef FORK
    if :: !up[d].k[i].old -> acknowledge() :: else fi;
#endif
#ifdef BACKUP
    learn[ID(d)] = 0;        /* said in a session that was opened since: so it knows of the new epoch */
#endif
#ifdef NEED
#if defined(BREAK_ANSWERED_AS_NEW) || defined(BREAK_NUMBER)
    if :: true ->
#else
    if :: !up[d].k[i].old ->
#endif
        w = MAX(0, up[d].k[i].need - MAX(0, HELD(ID(d)) - (TS[ID(d)] > 0)));
#ifdef BREAK_NEED_TWICE
        w = up[d].k[i].need;
#endif
#ifdef TICKETS
        if
        :: !up[d].k[i].old && w == 0 && CAME(ID(d)) > 0 -> drop(NG, ID(d))
        :: !up[d].k[i].old && w > 0 && CAME(ID(d)) == 0 -> append(NG, ID(d))
        :: else
        fi;
        serve(ID(d));
        if :: HELD(ID(d)) > 0 && CAME(ID(d)) > 0 -> drop(NG, ID(d)) :: else fi;
#else
        lease_out(ID(d), w);
        CLAIM(ONCE, G[X(ID(d), 0)] <= (M(d) + UT - 1) / UT);        /* a unit of overage is covered once */
#endif
        w = 0
    :: else fi;
#endif
#ifdef RETIRE
    if :: up[d].k[i].retire -> hand_over(ID(d)) :: else fi;
#endif
    seen(i)
}
#ifdef HELLO
inline open_session() {      /* syncs of any earlier session are refused from now on */
    owner[ID(d)] = (up[d].k[i].stale -> NA : d);
    k = 0;
    do
    :: k < NA ->
        if
        :: ID(k) == ID(d) ->
            if :: up[k].k[0].on && !up[k].k[0].hello -> zero_up(k, 0) :: else fi;
            if :: up[k].k[1].on && !up[k].k[1].hello -> zero_up(k, 1) :: else fi
        :: else
        fi;
        k++
    :: else -> break
    od;
    k = 0
}
#endif
#ifdef BACKUP
inline take_hello() {
    if
    :: up[d].k[i].g[0] > G[d] ->
#ifndef BREAK_LEARNING
        WARN(I13, learn[d]);
#endif
        A[0] = A[0] - (up[d].k[i].g[0] - G[d]); G[d] = up[d].k[i].g[0]
    :: else
    fi;
    join_all(d);
#ifdef BREAK_LEARNED_AT_HELLO
    learn[d] = 0;
#endif
    open_session();
    seen(i);
    w = 1                    /* verdict: ok */
}
#endif
#ifdef FORK
inline acknowledge() {       /* the head that came with these counters, and M and U there */
    ackpos[ainc] = MAX(ackpos[ainc], up[d].k[i].pos);
    ackm[ainc] = UT * (up[d].k[i].u[0] + up[d].k[i].ov) + up[d].k[i].t; acku[ainc] = up[d].k[i].u[0]
}
inline take_hello() {        /* the verdict, in w: 0 none, 1 ok, 2 fenced, 3 behind, 4 waits for an operator */
    if
    :: up[d].k[i].inc == ainc ->
        if
#ifdef BREAK_NO_FENCE
        :: true -> join_capped(); open_session(); w = 1
#else
#ifdef BREAK_LATE_HELLO
        :: up[d].k[i].old -> fence()
#endif
        :: ackpos[ainc] == 0 || up[d].k[i].pos == ackpos[ainc] ->
            join_all(0); acknowledge(); open_session(); w = 1
        :: ackpos[ainc] != 0 && up[d].k[i].pos == 0 -> w = 3     /* an ancestor of the head: nothing to add */
        :: ackpos[ainc] != 0 && up[d].k[i].pos != 0 && up[d].k[i].pos != ackpos[ainc] -> fence()
#endif
        fi
    :: up[d].k[i].inc != ainc && up[d].k[i].pos == ackpos[ainc] -> open_session(); w = 2   /* said before */
    :: else -> fence()
    fi;
    seen(i)
}
inline fence() {
    CLAIM(I14, copied);        /* nobody is fenced without reason */
    if
    :: ainc == MAXI -> w = 4
    :: else ->
        D[0] = D[0] + OUT(0, 0);
        G[0] = 0; US[0] = 0; RS[0] = 0;
        cust = cust + TS[0]; custov = custov + OVS[0]; TS[0] = 0; OVS[0] = 0;
        ainc++; ackpos[ainc] = up[d].k[i].pos;
        settle_custody(); open_session(); w = 2
    fi
}
inline join_capped() {
    n = MIN(OUT(0, 0), MAX(up[d].k[i].u[0] - US[0], 0));
    US[0] = US[0] + n; C[0] = C[0] + n; n = 0
}
inline carry() {             /* into the new incarnation: all metered since the last link that both chains share */
    if
    :: ackpos[inc[d]] == pos[d] -> n = ackm[inc[d]]; k = acku[inc[d]]
    :: else -> n = fm; k = fu
    fi;
#ifdef BREAK_CARRY_FROM_START
    if :: d == 0 || ackpos[inc[d]] == pos[d] -> n = M(d); k = u[d] :: else fi;
#endif
#ifdef BREAK_CARRY_ALL
    n = 0; k = 0;
#endif
    n = M(d) - n;
    used[0] = used[0] - (u[d] - k);                                  /* as overage they take slots anew */
    g[d] = 0; u[d] = 0; r[d] = 0; ov[d] = n / UT; t[d] = n % UT;
    inc[d] = ainc; n = 0; k = 0
}
#endif
#ifdef HELLO
inline hear() {              /* the verdict reaches the agent that still listens */
    if
    :: w > 0 && !up[d].k[i].stale ->
        ses[d] = (w < 3); up[d].k[i].stale = 1;
#ifdef FORK
        if
        :: w == 2 -> carry()
        :: w == 3 && copied && pos[d] == 0 -> pos[d] = 1             /* writes a new link, and says hello again */
        :: w == 4 -> blocked[d] = 1
        :: else
        fi
#endif
    :: else
    fi
}
#endif

/* ---- once faults stop: two exchanges of each agent, and everything is settled (I4, progress) ------------- */
inline exchange() {
    older_up(d); say(d); i = 0;
#ifdef HELLO
    if
    :: !ses[d] || owner[ID(d)] != d ->
        say_hello(d); take_hello(); hear(); w = 0;
#ifdef FORK
        if :: !ses[d] && !blocked[d] -> say_hello(d); take_hello(); hear(); w = 0 :: else fi;
#endif
        older_up(d); say(d)
    :: else
    fi;
    if :: ses[d] -> sync(); zero_down(d); send_lease(d); take_lease(d, 0) :: else fi
#else
    sync(); zero_down(d); send_lease(d); take_lease(d, 0)
#endif
}
inline calm() {
    a = 0;
    do
    :: a < 4 ->
        d = 0;
        do
        :: d < NA ->
#ifdef FORK
            if :: LIVE(d) && !blocked[d] && a == 0 -> exchange() :: else fi;
#elif defined(RETIRE)
            if
            :: st[d] == 0 -> exchange()
            :: st[d] == 1 -> older_up(d); say(d); up[d].k[0].retire = 1; i = 0; sync(); st[d] = 2
            :: else
            fi;
#elif defined(TICKETS)
            if
            :: !wait[d] && POOL == 0 && TICKET(0) + TICKET(NG - 1) > 0 ->    /* recall */
                do :: FREE(d) > 0 -> give_back(d, 0) :: else -> break od
            :: else
            fi;
            exchange();
#elif defined(CRASH)
            commit(); exchange();
#elif defined(BACKUP)
            if :: !lost[d] -> exchange() :: else fi;
#else
            exchange();
#endif
            d++
        :: else -> break
        od;
        a++
    :: else -> break
    od;
    a = 0; d = 0; w = 0;
    do
    :: d < NA ->
#ifdef FORK
        a = a + UT * OVS[0] * (d == 0) + TS[0] * (d == 0);
#else
#ifdef BACKUP
        if
        :: lost[d]
        :: else ->
#elif defined(RETIRE)
        if
        :: st[d] == 2 -> WARN(I4, ret[d] && OUT(d, 0) == 0)
        :: else ->
#else
        if
        :: true ->
#endif
            WARN(I4, US[X(d, 0)] == u[X(d, 0)] && RS[X(d, 0)] == r[X(d, 0)] && G[X(d, 0)] == g[X(d, 0)]);
            WARN(I4, TS[d] == t[d] && OVS[d] == ov[d]);
#if NT == 2
            WARN(I4, US[X(d, 1)] == u[X(d, 1)] && RS[X(d, 1)] == r[X(d, 1)] && G[X(d, 1)] == g[X(d, 1)]);
#endif
            a = a + UT * OVS[d] + TS[d]
        fi;
#ifdef NEED
        CLAIM(PROGRESS, ov[d] == 0 || POOL == 0);
#endif
#ifdef TICKETS
        if                   /* work waits: then there is nothing that could be had anywhere */
        :: wait[0] || wait[NA - 1] -> CLAIM(PROGRESS, POOL == 0 && FREE(d) <= 0)
        :: else
        fi;
#endif
#ifdef BACKUP
        CLAIM(PROGRESS, !learn[d]);
#endif
#endif
        d++
    :: else -> break
    od;
    w = UT * (CALL + custov) + cust + a;
#ifdef FORK
    CLAIM(I17, blocked[0] || blocked[1] || w == REAL);
#else
    CLAIM(I17, w == ticks || ANY_LOST);
#endif
    a = 0; d = 0; w = 0; i = 0;
    c_code { wipe(); }
}
#ifdef CRASH
inline commit() {
    kt = t[0]; kov = ov[0]; ku = u[0]; kr = r[0];
#ifndef BREAK_LEASE_UNSTORED
    kg = g[0];
#endif
#ifndef BREAK_IDENTITY
    kids = ids
#endif
}
#endif

/* ---- what holds after every step ------------------------------------------------------------------------- */
inline holds() {
    CLAIM(I1, A[0] + C[0] + D[0] + E[0] + SUM(0) + custs == PA);
#ifdef BACKUP
    CLAIM(I1, learn[0] || learn[1] || A[0] >= 0 || ANY_LOST && A[0] >= -D[0]);
    CLAIM(I2, used[0] <= PA + over);
#elif defined(FORK)
    big = (copied -> MAX(big, MAX(OUT(0, 0), MAX(LEFT(0, 0), LEFT(1, 0)))) : 0);
    CLAIM(I1, A[0] >= 0);
    CLAIM(I2, used[0] <= PA + big);
#else
    CLAIM(I1, A[0] >= 0);
    CLAIM(I2, used[0] <= PA);
#endif
    CLAIM(I2, (C[0] + D[0] + E[0] <= PA || ANY_LOST) && C[0] <= PA);
    CLAIM(I3, UT * CALL <= ticks);
#if NT == 2
    CLAIM(I1, A[1] + C[1] + SUM(1) == PB && A[1] >= 0);
    CLAIM(I2, used[1] <= PB);
#endif
    d = 0;
    do
    :: d < NA ->
        CLAIM(I3, LEFT(d, 0) >= 0);
        CLAIM(I5, ov[d] == 0 || SLOTS(d) <= 0);
#if NT == 2
        CLAIM(I3, LEFT(d, 1) >= 0);
#endif
#if !defined(REPORTS) && !defined(FORK) && !defined(RETIRE) && NT == 1
        CLAIM(I6, t[d] == 0 || SLOTS(d) >= 1);
#endif
#ifdef FORK
        WARN(I13, inc[d] != ainc || !LIVE(d) || g[d] <= G[0] || blocked[d]);
#else
#ifndef CRASH
        CLAIM(I5, M(d) == m[d] || GONE(d));
#endif
#ifdef BACKUP
        WARN(I13, learn[d] || lost[d] || g[d] <= G[d]);
        WARN(I3, learn[d] || lost[d] || US[d] <= u[d] && RS[d] <= r[d]);
#else
        WARN(I13, g[X(d, 0)] <= G[X(d, 0)]);
        WARN(I3, US[X(d, 0)] <= u[X(d, 0)] && (RETIRED(d) || RS[X(d, 0)] <= r[X(d, 0)]));
#endif
#endif
        d++
    :: else -> break
    od;
#ifdef CRASH
    CLAIM(I8, (acked & kids) == acked);
    CLAIM(I10, UT * (ku + kov) + kt == (kids & 1) + ((kids >> 1) & 1) + ((kids >> 2) & 1));
#endif
    d = 0
}

/* ---- the end of a calm run is one state, whatever went before --------------------------------------------- */
c_code {
#define WIPE(x) memset(now.x, 0, sizeof now.x)
static void wipe(void) {
    WIPE(up); WIPE(down); WIPE(A); WIPE(C); WIPE(D); WIPE(E); WIPE(G); WIPE(US); WIPE(RS); WIPE(TS); WIPE(OVS);
    WIPE(g); WIPE(u); WIPE(r); WIPE(t); WIPE(ov); WIPE(m); WIPE(used);
    now.cust = now.custov = now.custs = now.ticks = now.nret = 0;
#if NT == 2
    WIPE(ES); WIPE(early); WIPE(dend); now.aend = 0;
#endif
#ifdef HELLO
    WIPE(owner); WIPE(ses);
#endif
#ifdef FORK
    WIPE(ackpos); WIPE(ackm); WIPE(acku); WIPE(inc); WIPE(pos); WIPE(blocked);
    now.ainc = now.copied = now.off = now.fm = now.fu = now.big = 0;
#endif
#ifdef BACKUP
    WIPE(learn); WIPE(lost); now.over = 0; WIPE(bG); WIPE(bUS); WIPE(bRS); 
    now.backed = now.restored = now.bA = now.bC = 0;
#endif
#ifdef TICKETS
    WIPE(line); WIPE(wait); now.waits = 0;
#endif
#ifdef RETIRE
    WIPE(ret); WIPE(st);
#endif
#ifdef CRASH
    now.kg = now.ku = now.kr = now.kt = now.kov = now.kids = now.ids = now.acked = 0;
#endif
}
}

active proctype system() {
    bit end;
#ifdef HELLO
    d_step { owner[0] = NA; owner[NG - 1] = NA; A[0] = PA };
#else
    d_step { A[0] = PA };
#endif
#if NT == 2
    A[1] = PB;
#endif
    do
    :: d_step { !end -> end = 1; calm() } -> break
    :: atomic {
        !end ->
        if :: d = 0 :: NA > 1 -> d = 1 :: NA > 2 -> d = 2 fi;
        if

        /* the agent: usage, returns, messages */
        :: WORKS(d) && ticks < MAXM && UNLOCKED(d) && SLOTS(d) >= 1 -> tick(d); WRITTEN(d)
#if defined(REPORTS) || defined(BREAK_NO_RESERVATION)
        :: WORKS(d) && ticks < MAXM && SLOTS(d) < 1 -> tick(d); WRITTEN(d)
#endif
#ifdef BREAK_RETURN_IN_USE
        :: nret < MAXR && WORKS(d) && LEFT(d, 0) >= 1 -> give_back(d, 0); WRITTEN(d)
#else
        :: nret < MAXR && RETURNS(d) && FREE(d) >= 1 && LEFT(d, 0) >= 1 -> give_back(d, 0); WRITTEN(d)
#endif
#if NT == 2
        :: nret < MAXR && WORKS(d) && FREE(d) >= 1 && LEFT(d, 1) >= 1 -> give_back(d, 1)
        :: nret < MAXR && WORKS(d) && dend[d] && LEFT(d, 0) >= 1 -> give_back(d, 0)
        :: !dend[d] -> dend[d] = 1; cover(d)
        :: !aend -> aend = 1; E[0] = E[0] + A[0]; A[0] = 0
#endif
        :: MAY(d) && WORKS_OR_CRASH -> if :: KEEP -> older_up(d) :: true fi; say(d)
#ifdef HELLO
        :: LIVE(d) && UNLOCKED(d) && !GONE(d) -> if :: KEEP -> older_up(d) :: true fi; say_hello(d)
#endif
#ifdef TICKETS
        :: !wait[d] && waits < MAXW && FREE(d) <= 0 -> wait[d] = 1; waits++
        :: wait[d] -> wait[d] = 0                                              /* gives up */
        :: TICKET(d) > 0 -> drop(0, d); if :: CAME(d) > 0 -> drop(NG, d) :: else fi     /* polls no more */
#endif
#ifdef RETIRE
        :: st[d] == 0 ->     /* drains: what it doesn't need goes back, nothing new is taken up */
            do :: FREE(d) > 0 -> r[d]++ :: else -> break od;
            st[d] = 1
#ifdef BREAK_DRAINING_SPENDS
        :: st[d] == 1 && ticks < MAXM && SLOTS(d) >= 1 -> tick(d)
#endif
        :: st[d] == 1 -> if :: KEEP -> older_up(d) :: true fi; say(d); up[d].k[0].retire = 1
        :: st[d] == 1 && ret[d] -> st[d] = 2; t[d] = 0                         /* the receipt */
#endif
#ifdef CRASH
        :: if :: i = 0 :: i = 1 :: EVENTS > 2 -> i = 2 fi;                    /* a report, or its repetition */
            if
            :: !((ids >> i) & 1) -> ids = ids | (1 << i); tick(0)
            :: else
            fi
        :: true -> commit()
#ifdef BREAK_IDENTITY
        :: true -> kids = ids
#endif
#ifdef BREAK_LEASE_UNSTORED
        :: true -> kg = g[0]
#endif
        :: true -> used[0] = used[0] - (u[0] - ku); ticks = ticks - (M(0) - UT * (ku + kov) - kt);
            g[0] = kg; u[0] = ku; r[0] = kr; t[0] = kt; ov[0] = kov; ids = kids
#ifdef BREAK_ACKNOWLEDGED_EARLY
        :: true -> acked = acked | ids
#else
        :: true -> acked = acked | kids
#endif
#endif
        /* the network: any message under way may arrive, now or again */
        :: SESSION(d) && SYNC(d, 0) -> i = 0; sync()
        :: SESSION(d) && SYNC(d, 1) -> i = 1; sync()
        :: MAY(d) && WORKS_OR_CRASH && down[d].k[0].on -> take_lease(d, 0); WRITTEN(d)
        :: MAY(d) && WORKS_OR_CRASH && down[d].k[1].on -> take_lease(d, 1); WRITTEN(d)
#ifdef BREAK_NONCE
        :: LIVE(d) && !MAY(d) && down[d].k[0].on -> take_lease(d, 0); WRITTEN(d)
        :: LIVE(d) && !MAY(d) && down[d].k[1].on -> take_lease(d, 1); WRITTEN(d)
#endif
#ifdef HELLO
        :: !GONE(d) -> if :: up[d].k[0].hello -> i = 0 :: up[d].k[1].hello -> i = 1 :: else fi;
            if
            :: !up[d].k[i].hello
#ifndef BREAK_LATE_HELLO
            :: up[d].k[i].hello && up[d].k[i].old -> if :: owner[ID(d)] = NA :: true fi   /* late: ends a session */
            :: up[d].k[i].hello && !up[d].k[i].old ->
#else
            :: up[d].k[i].hello ->
#endif
                take_hello(); if :: hear() :: true fi
            fi;
            w = 0
#endif

        /* the account */
#ifndef NEED
        :: A[0] > 0 && !LEARNING && !RETIRED(ID(d)) && AVALID(0) && !GONE(d) -> A[0] = A[0] - 1; G[X(ID(d), 0)]++
#if NT == 2
        :: A[1] > 0 -> A[1] = A[1] - 1; G[X(ID(d), 1)]++
#endif
#endif
#if defined(TICKETS)
        :: RESERVE -> in_turn(d); A[0] = A[0] - 1; G[d]++
#endif
        :: SESSION(d) && MAY(d) && !RETIRED(ID(d)) -> if :: KEEP -> older_down(d) :: true fi; send_lease(d)
#ifdef BREAK_LEASE_BEFORE_COMMIT
        :: A[0] > 0 -> down[d].k[0].on = 1; down[d].k[0].g[0] = G[d] + 1
#endif
#ifdef FORK
        :: !copied && inc[0] == 0 -> copied = 1; pos[1] = 2; fm = M(0); fu = u[0];
            g[1] = g[0]; u[1] = u[0]; r[1] = r[0]; t[1] = t[0]; ov[1] = ov[0]
        :: copied && !off && inc[0] == 0 -> off = 1
#endif
#ifdef BACKUP
        :: !backed -> backed = 1; bA = A[0]; bC = C[0]; bG[0] = G[0]; bG[1] = G[1];
            bUS[0] = US[0]; bUS[1] = US[1]; bRS[0] = RS[0]; bRS[1] = RS[1]
#ifdef WRITE_OFF
        :: learn[d] ->       /* its units stay in doubt; what the account doesn't know of can't be held */
            over = over + MAX(0, MAX(g[d], MAX(down[d].k[0].g[0], down[d].k[1].g[0])) - G[d]);
            D[0] = D[0] + OUT(d, 0); RS[d] = RS[d] + OUT(d, 0); lost[d] = 1; learn[d] = 0; owner[d] = NA
#endif
        :: backed && !restored -> restored = 1; A[0] = bA; C[0] = bC; G[0] = bG[0]; G[1] = bG[1];
            US[0] = bUS[0]; US[1] = bUS[1]; RS[0] = bRS[0]; RS[1] = bRS[1];
            bA = 0; bC = 0; bG[0] = 0; bG[1] = 0; bUS[0] = 0; bUS[1] = 0; bRS[0] = 0; bRS[1] = 0;
            up[0].k[0].old = 0; up[0].k[1].old = 0; up[1].k[0].old = 0; up[1].k[1].old = 0;
#ifndef BREAK_LEARNING
            learn[0] = 1; learn[1] = 1;
#endif
#ifndef BREAK_SESSION_KEPT
            owner[0] = NA; owner[1] = NA
#endif
#endif
        :: else              /* this disk is lost */
        fi;
        holds(); i = 0; d = 0; w = 0
    }
    od
}
