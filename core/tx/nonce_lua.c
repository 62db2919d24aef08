/* See nonce_lua.h. */
#include "tx/nonce_lua.h"

#include <hawse/hex.h>
#include <hawse/sha1.h>
#include <stdio.h>

static const char before[] =
    "local M,E,F,R,S,D=unpack(KEYS)\n"
    "local call=redis.call\n"
    "local ttl,pause,host,alone=tonumber(ARGV[1]),tonumber(ARGV[2]),ARGV[3],ARGV[4]=='1'\n"
    "local t=call('TIME')\n"
    "local now=t[1]*1000+math.floor(t[2]/1000)\n"
    "local run=string.match(call('INFO','server'),'run_id:(%x+)')\n"
    "local function str(n) return string.format('%.0f',n) end\n"
    "local next,floor=call('HGET',M,'next'),tonumber(call('HGET',M,'floor') or '0')\n"
    "local known=next~=false\n"
    "next=tonumber(next or '0')\n"
    "local foreign,number,status,list=0,0,'OK',{}\n"
    "local lease=call('HGET',M,'lease')\n"
    "local life=tonumber(ARGV[6])\n"
    "local heard=tonumber(call('HGET',M,'life:'..host) or '0')\n"
    "local old=life<heard\n"
    "local mine=not old and (not lease or lease==host or alone)\n"
    "if alone then call('HSET',M,'lease',host) end\n"
    "if call('HGET',M,'run')~=run then call('HSET',M,'run',run,'resync',str(now)) end\n"
    "local settling=not alone and now-tonumber(call('HGET',M,'resync'))<pause\n"
    "next=math.max(next,tonumber(ARGV[5]))\n"
    "local function get(n)\n"
    " local v=call('HGET',E,str(n))\n"
    " if not v then return nil end\n"
    " local st,tok,h,since,who=string.match(v,'^(%d) (%x*) (%x*) (%d+) (%S+)$')\n"
    " return {state=tonumber(st),token=tok,hash=h,since=since,host=who}\n"
    "end\n"
    "local sets={F,R,S,D}\n"
    "local function drop(n)\n"
    " for i=1,4 do call('ZREM',sets[i],str(n)) end\n"
    " call('HDEL',E,str(n))\n"
    "end\n"
    "local function put(n,state,token,hash)\n"
    " drop(n)\n"
    " call('HSET',E,str(n),state..' '..token..' '..hash..' '..str(now)..' '..host)\n"
    " call('ZADD',sets[state],state==2 and str(now) or str(n),str(n))\n"
    "end\n"
    "local function below(set,n,fn)\n"
    " for _,v in ipairs(call('ZRANGEBYSCORE',set,'-inf','('..str(n))) do fn(tonumber(v)) end\n"
    "end\n"
    "local function raise(n)\n"
    " if known and n>next then foreign=n-next end\n"
    " next=math.max(next,n)\n"
    " below(F,n,drop)\n"
    "end\n"
    "local function shrink()\n"
    " local top=call('ZREVRANGE',F,0,0)[1]\n"
    " while top and tonumber(top)==next-1 do\n"
    "  next=next-1\n"
    "  drop(next)\n"
    "  top=call('ZREVRANGE',F,0,0)[1]\n"
    " end\n"
    "end\n"
    "local function expire()\n"
    " local free=function(v) put(tonumber(v),1,'','') end\n"
    " for _,v in ipairs(call('ZRANGEBYSCORE',R,'-inf',str(now-ttl))) do free(v) end\n"
    " for _,v in ipairs(call('ZRANGEBYSCORE',R,'('..str(now),'+inf')) do free(v) end\n"
    " shrink()\n"
    "end\n"
    "local function flight() return call('ZCARD',R)+call('ZCARD',S) end\n"
    "local function heard_of(who)\n"
    " local at=tonumber(call('HGET',M,'seen:'..who) or '0')\n"
    " return now-at<ttl and at<=now\n"
    "end\n"
    "if not old then call('HSET',M,'seen:'..host,str(now)) end\n"
    "local a,b,c=ARGV[7],ARGV[8],ARGV[9]\n"
    "expire()\n";

/* Nothing is changed by a step that was refused, but for what time has done anyway. */
static const char after[] =
    "call('HSET',M,'next',str(next),'floor',str(floor))\n"
    "local others=0\n"
    "for _,set in ipairs({R,S}) do\n"
    " for _,v in ipairs(call('ZRANGE',set,0,-1)) do\n"
    "  if get(v).host~=host then others=others+1 end\n"
    " end\n"
    "end\n"
    "local told=heard<life and '0' or '1'\n"
    "local "
    "out={status,str(number),str(next),str(flight()),str(foreign),str(others),told,str(now)}\n"
    "for i=1,#list do out[#out+1]=list[i] end\n"
    "return out\n";

static const char *const steps[NONCE_SCRIPTS] = {
    [NONCE_LUA_RESERVE] =
        "local noted=call('HGET',M,'alone') or ''\n"
        "local n,who,since=string.match(noted,'^(%-?%d+) (%S+) (%d+)$')\n"
        "local function note(n) call('HSET',M,'alone',str(n)..' '..host..' '..str(now)) end\n"
        "local e=n and get(tonumber(n))\n"
        "local out=e and (e.state==2 or e.state==3) and e.host==who\n"
        "local waits=n=='-1' and now-tonumber(since)<ttl/2\n"
        "if not mine then status='DENIED'\n"
        "elseif settling then status='TIMEOUT'\n"
        "else\n"
        " raise(tonumber(a))\n"
        " local free=call('ZRANGE',F,0,0)[1]\n"
        " number=tonumber(free or next)\n"
        " if who~=host and (out or waits) then status='AGAIN'\n"
        " elseif flight()>=tonumber(b) then\n"
        "  status='AGAIN'\n"
        "  if ARGV[10]=='1' and not out then note(-1) end\n"
        " elseif number>9007199254740991 then status='RANGE'\n"
        " else\n"
        "  if not free then next=next+1 end\n"
        "  put(number,2,c,'')\n"
        "  if ARGV[10]=='1' then note(number) end\n"
        " end\n"
        "end\n",
    [NONCE_LUA_CLAIM] = "number=tonumber(a)\n"
                        "local e=get(number)\n"
                        "if not mine then status='DENIED'\n"
                        "elseif settling then status='TIMEOUT'\n"
                        "elseif number>=next or number<floor then status='RANGE'\n"
                        "elseif e and e.state==3 and c=='1' and e.host~=host then\n"
                        " if heard_of(e.host) then status='ALIVE' else put(number,2,b,'') end\n"
                        "elseif e and e.state~=1 then status='EXISTS'\n"
                        "else put(number,2,b,'') end\n",
    [NONCE_LUA_SENT] =
        "number=tonumber(a)\n"
        "local e=get(number)\n"
        "if not mine then status='DENIED'\n"
        "elseif not e or e.token~=b or (e.state~=2 and e.state~=3) then status='STALE'\n"
        "else put(number,3,b,c) end\n",
    [NONCE_LUA_RELEASE] = "number=tonumber(a)\n"
                          "local e=get(number)\n"
                          "if not e or e.token~=b or e.state~=2 then status='STALE'\n"
                          "else put(number,1,'','') shrink() end\n",
    [NONCE_LUA_MINED] = "local latest=tonumber(a)\n"
                        "raise(latest)\n"
                        "below(S,latest,function(n) local e=get(n) put(n,4,e.token,e.hash) end)\n"
                        "for _,v in ipairs(call('ZRANGE',R,0,-1)) do\n"
                        " if tonumber(v)<latest then drop(tonumber(v)) end\n"
                        "end\n"
                        "below(D,latest-256,drop)\n"
                        "floor=math.max(floor,latest)\n",
    [NONCE_LUA_REWIND] =
        "local target=tonumber(b)\n"
        "local from=str(target)\n"
        "local used=call('ZCOUNT',S,from,'+inf')+call('ZCOUNT',D,from,'+inf')>0\n"
        "for _,v in ipairs(call('ZRANGE',R,0,-1)) do used=used or tonumber(v)>=target end\n"
        "if not mine or settling then status='DENIED'\n"
        "elseif next~=tonumber(a) then status='STALE'\n"
        "elseif target>next or target<tonumber(ARGV[5]) or used then status='STATE'\n"
        "else\n"
        " for _,v in ipairs(call('ZRANGEBYSCORE',F,from,'+inf')) do drop(v) end\n"
        " next=target\n"
        " floor=math.min(floor,target)\n"
        "end\n",
    [NONCE_LUA_GAPS] =
        "local latest=tonumber(a)\n"
        "raise(math.max(latest,tonumber(b)))\n"
        "if settling then status='TIMEOUT' end\n"
        "for n=latest,math.min(next,latest+tonumber(c))-1 do\n"
        " local e=get(n)\n"
        " if e then list[#list+1]=str(n)..' '..e.state..' '..e.since..' '..e.hash end\n"
        "end\n",
    /* A number that somebody else has by now is left to the chain. What the host was given and does
     * not tell it has thrown away: no byte of it left. */
    [NONCE_LUA_SYNC] =
        "local low,top,told=tonumber(a),tonumber(b),{}\n"
        "local function undo(set)\n"
        " for _,v in ipairs(call('ZRANGE',set,0,-1)) do\n"
        "  local n,e=tonumber(v),get(v)\n"
        "  if e.host==host and not told[n] and n<=top then\n"
        "   if n<low then put(n,4,e.token,e.hash) else put(n,1,'','') end\n"
        "  end\n"
        " end\n"
        "end\n"
        "if old then status='DENIED'\n"
        "else\n"
        " for i=9,#ARGV,4 do\n"
        "  local n,state=tonumber(ARGV[i]),tonumber(ARGV[i+1])\n"
        "  local e=get(n)\n"
        "  local ours=e and e.token==ARGV[i+2] and e.state<4 and (e.host~=host or e.state~=state)\n"
        "  if not e or e.state==1 or ours then put(n,state,ARGV[i+2],ARGV[i+3]) end\n"
        "  told[n]=true\n"
        "  next=math.max(next,n+1)\n"
        " end\n"
        " if top>=0 then\n"
        "  call('HSET',M,'life:'..host,str(life))\n"
        "  undo(R)\n"
        "  undo(S)\n"
        "  shrink()\n"
        " end\n"
        "end\n",
};

void nonce_lua_make(enum nonce_script which, struct nonce_lua *out)
{
    uint8_t digest[20];
    int n = snprintf(out->text, sizeof(out->text), "%s%s%s", before, steps[which], after);
    out->len = (size_t)n;
    hawse_sha1((const uint8_t *)out->text, out->len, digest);
    hawse_hex_encode(digest, sizeof(digest), out->sha);
    out->sha[40] = 0;
}
